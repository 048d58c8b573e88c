#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/noise/exact_math.h"
#include "core/noise/noise.h"
#include "core/noise/philox.h"

namespace tweedie {
namespace {

constexpr size_t kBlocks = 128;  // made at once, at most
constexpr size_t kPairs = 2 * kBlocks;
constexpr double kTwoToMinus32 = 1.0 / 4294967296.0;
constexpr double kTwoToMinus30 = 1.0 / 1073741824.0;
constexpr double kHalfPi = 1.5707963267948966;

// Pair i of a block range holds words 2i and 2i + 1 of it.
struct WordPairs {
  std::array<uint32_t, kPairs> radius;
  std::array<uint32_t, kPairs> angle;
};

void MakeWords(const NoiseKey& key, uint32_t first_block, uint32_t blocks, WordPairs* words) {
  const std::array<uint32_t, 2> seed = {static_cast<uint32_t>(key.seed),
                                        static_cast<uint32_t>(key.seed >> 32)};
  const uint32_t purpose = static_cast<uint32_t>(key.purpose) | key.inner << 16;
  for (uint32_t b = 0; b < blocks; ++b) {
    const auto out = Philox4x32x10({first_block + b, key.image, key.step, purpose}, seed);
    words->radius[2 * b] = out[0];
    words->angle[2 * b] = out[1];
    words->radius[2 * b + 1] = out[2];
    words->angle[2 * b + 1] = out[3];
  }
}

// Two independent normals by Box and Muller (1958): radius sqrt(-2 ln u), and a
// direction of which the upper two bits of the word are the quadrant.
inline void TransformPair(uint32_t radius_word, uint32_t angle_word, float* first, float* second) {
  const double u = (exact::WordToDouble(radius_word) + 0.5) * kTwoToMinus32;
  const double radius = std::sqrt(-2.0 * exact::Log(u));
  const double part = (exact::WordToDouble(angle_word & 0x3fffffffu) + 0.5) * kTwoToMinus30 - 0.5;
  const double y = part * kHalfPi;
  const double sine = exact::SinOfSmall(y);
  const double cosine = exact::CosOfSmall(y);
  const uint64_t quadrant = angle_word >> 30;
  // A turn by one quadrant takes (cos, sin) to (-sin, cos).
  const uint64_t swap = uint64_t{0} - (quadrant & 1);
  const uint64_t sine_bits = exact::BitsOf(sine);
  const uint64_t cosine_bits = exact::BitsOf(cosine);
  const uint64_t x_sign = ((quadrant + 1) & 2) << 62;
  const uint64_t y_sign = (quadrant & 2) << 62;
  const uint64_t x_bits = ((sine_bits & swap) | (cosine_bits & ~swap)) ^ x_sign;
  const uint64_t y_bits = ((cosine_bits & swap) | (sine_bits & ~swap)) ^ y_sign;
  *first = static_cast<float>(radius * exact::FromBits(x_bits));
  *second = static_cast<float>(radius * exact::FromBits(y_bits));
}

void Transform(const WordPairs& words, size_t blocks, float* out) {
  for (size_t i = 0; i < 2 * blocks; ++i) {
    TransformPair(words.radius[i], words.angle[i], out + 2 * i, out + 2 * i + 1);
  }
}

}  // namespace

void FillNormals(const NoiseKey& key, absl::Span<float> out) {
  constexpr size_t kChunk = 4 * kBlocks;
  WordPairs words;
  std::array<float, kChunk> rest;
  for (size_t begin = 0; begin < out.size(); begin += kChunk) {
    const size_t count = std::min(kChunk, out.size() - begin);
    const size_t blocks = (count + 3) / 4;
    MakeWords(key, static_cast<uint32_t>(begin / 4), static_cast<uint32_t>(blocks), &words);
    float* const to = count == kChunk ? out.data() + begin : rest.data();
    Transform(words, blocks, to);
    if (count < kChunk) std::copy_n(rest.data(), count, out.data() + begin);
  }
}

}  // namespace tweedie
