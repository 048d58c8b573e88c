#ifndef TWEEDIE_CORE_NOISE_UNIFORM_H_
#define TWEEDIE_CORE_NOISE_UNIFORM_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/noise/exact_math.h"
#include "core/noise/noise.h"
#include "core/noise/philox.h"

namespace tweedie {

// Independent uniforms in (0, 1) in a fixed order, a pure function of `key`: the
// same bits on every CPU. Each is made of two words of the Philox blocks that
// FillNormals() makes its normals of, so one key serves for one of the two:
// where both are wanted, let them differ in `inner`. Part of the noise contract.
class Uniforms {
 public:
  explicit Uniforms(const NoiseKey& key) : key_(key) {}

  // (n + 1/2) 2^-52 for the next 52 random bits n: the first word, then the upper
  // 20 bits of the second.
  double Next() {
    if (place_ == block_.size()) Refill();
    const uint64_t high = block_[place_];
    const uint64_t low = block_[place_ + 1];
    place_ += 2;
    constexpr double kTwoToMinus52 = 1.0 / 4503599627370496.0;
    return (exact::SmallToDouble(high << 20 | low >> 12) + 0.5) * kTwoToMinus52;
  }

 private:
  void Refill() {
    const std::array<uint32_t, 2> seed = {static_cast<uint32_t>(key_.seed),
                                          static_cast<uint32_t>(key_.seed >> 32)};
    const uint32_t purpose = static_cast<uint32_t>(key_.purpose) | key_.inner << 16;
    block_ = Philox4x32x10({next_block_++, key_.image, key_.step, purpose}, seed);
    place_ = 0;
  }

  NoiseKey key_;
  uint32_t next_block_ = 0;
  std::array<uint32_t, 4> block_ = {};
  size_t place_ = 4;  // the next word of block_
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_NOISE_UNIFORM_H_
