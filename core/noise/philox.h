#ifndef TWEEDIE_CORE_NOISE_PHILOX_H_
#define TWEEDIE_CORE_NOISE_PHILOX_H_

#include <array>
#include <cstdint>

namespace tweedie {

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// 2011): a bijection of `counter` for each `key`, whose values pass for random.
// Integers only, hence the same everywhere.
inline std::array<uint32_t, 4> Philox4x32x10(std::array<uint32_t, 4> counter,
                                             std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace tweedie

#endif  // TWEEDIE_CORE_NOISE_PHILOX_H_
