#ifndef TWEEDIE_CORE_PLAN_OPS_LANES_H_
#define TWEEDIE_CORE_PLAN_OPS_LANES_H_

#include <cstdint>
#include <cstring>

#include "core/plan/ops/clones.h"

namespace tweedie::plan {

inline constexpr int64_t kLanes = 16;
// One register, or as many as the instruction set needs for it. By reference, as how it would be
// returned depends on that.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

TWEEDIE_INLINE void Load(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof(to)); }
TWEEDIE_INLINE void Store(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof(from)); }

// x becomes exp(x) to 2 ulp: 2^n e^r with |r| <= ln(2) / 2, e^r by its series to r^7. Below
// -87 it is that of -87, about 1.6e-38; above 88, that of 88. Of one float, or of lanes.
template <typename Float, typename Bits>
TWEEDIE_INLINE void ToExp(Float& x) {
  constexpr float kLog2E = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded
  const Float low = Float{} - 87.0f, high = Float{} + 88.0f;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Float rounded = x * kLog2E + kRound;
  const Float n = rounded - kRound;
  const Float r = (x - n * kLn2High) - n * kLn2Low;
  Float p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const Bits exponent = (__builtin_bit_cast(Bits, rounded) << 23) + 0x3f800000u;
  x = p * __builtin_bit_cast(Float, exponent);
}

TWEEDIE_INLINE float Exp(float x) {
  ToExp<float, uint32_t>(x);
  return x;
}

TWEEDIE_INLINE void ToExp(Lanes& x) {
  ToExp<Lanes, uint32_t __attribute__((vector_size(sizeof(Lanes))))>(x);
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_LANES_H_
