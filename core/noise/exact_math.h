#ifndef TWEEDIE_CORE_NOISE_EXACT_MATH_H_
#define TWEEDIE_CORE_NOISE_EXACT_MATH_H_

#include <cstdint>
#include <cstring>

namespace tweedie::exact {

// Elementary functions made of +, -, *, / and conversions in a fixed order, so
// that their bits are the same on every machine: libm's are not. The orders of
// evaluation are part of the noise contract and must not change. Errors are a
// few units in the last place. Free of branches, so that loops over them
// vectorise. Files that include this are compiled with -ffp-contract=off.

inline uint64_t BitsOf(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline double FromBits(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// `n` below 2^52 as a double, exactly. (SSE2 has no conversion of 64 bits.)
inline double SmallToDouble(uint64_t n) {
  return FromBits(n | 0x4330000000000000u) - 4503599627370496.0;
}

// `w` as a double, exactly.
inline double WordToDouble(uint32_t w) {
  return static_cast<double>(static_cast<int32_t>(w ^ 0x80000000u)) + 2147483648.0;
}

inline constexpr double kLn2 = 0.6931471805599453;

// The natural logarithm of a positive, finite, normal `u`: u = 2^k m with m in
// [sqrt(1/2), sqrt(2)), log m = 2 atanh(f), f = (m - 1) / (m + 1).
inline double Log(double u) {
  constexpr uint64_t kOne = 0x3ff0000000000000u;
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcdu;
  const uint64_t shifted = BitsOf(u) + (kOne - kSqrtHalf);
  const double k = SmallToDouble(shifted >> 52) - 1023.0;
  const double m = FromBits((shifted & 0x000fffffffffffffu) + kSqrtHalf);
  const double f = (m - 1.0) / (m + 1.0);
  const double g = f * f;
  double p = 1.0 / 21.0;
  p = p * g + 1.0 / 19.0;
  p = p * g + 1.0 / 17.0;
  p = p * g + 1.0 / 15.0;
  p = p * g + 1.0 / 13.0;
  p = p * g + 1.0 / 11.0;
  p = p * g + 1.0 / 9.0;
  p = p * g + 1.0 / 7.0;
  p = p * g + 1.0 / 5.0;
  p = p * g + 1.0 / 3.0;
  p = p * g + 1.0;
  return k * kLn2 + (f + f) * p;
}

// sin(y) and cos(y) for |y| <= pi/4, by their Taylor series.
inline double SinOfSmall(double y) {
  const double g = y * y;
  double p = -1.0 / 1307674368000.0;
  p = p * g + 1.0 / 6227020800.0;
  p = p * g - 1.0 / 39916800.0;
  p = p * g + 1.0 / 362880.0;
  p = p * g - 1.0 / 5040.0;
  p = p * g + 1.0 / 120.0;
  p = p * g - 1.0 / 6.0;
  return y + y * (p * g);
}

inline double CosOfSmall(double y) {
  const double g = y * y;
  double p = 1.0 / 20922789888000.0;
  p = p * g - 1.0 / 87178291200.0;
  p = p * g + 1.0 / 479001600.0;
  p = p * g - 1.0 / 3628800.0;
  p = p * g + 1.0 / 40320.0;
  p = p * g - 1.0 / 720.0;
  p = p * g + 1.0 / 24.0;
  p = p * g - 0.5;
  return p * g + 1.0;
}

// e^a; a is clamped to [-700, 700], NaN gives NaN. a = n ln 2 + r.
inline double Exp(double a) {
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
  const double bounded = a < -700.0 ? -700.0 : (a > 700.0 ? 700.0 : a);
  const double shifted = bounded * (1.0 / kLn2) + kRound;
  const double n = shifted - kRound;
  // ln 2 in two parts: n times the first is exact.
  const double r = (bounded - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  // The low bits of `shifted` hold n in two's complement.
  return p * FromBits((BitsOf(shifted) + 1023u) << 52);
}

}  // namespace tweedie::exact

#endif  // TWEEDIE_CORE_NOISE_EXACT_MATH_H_
