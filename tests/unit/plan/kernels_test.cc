#include "core/plan/ops/kernels.h"

#include <c10/util/BFloat16.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/plan/ops/bfloat16_kernels.h"
#include "tests/testing/bfloat16.h"

namespace tweedie::plan {
namespace {

// Values in [-range, range], of every size.
std::vector<float> Values(int64_t count, double range) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(range * std::sin(0.37 * static_cast<double>(i))));
  }
  return values;
}

TEST(KernelsTest, SiluIsThatOfDoublePrecision) {
  constexpr int64_t kPixels = 999, kChannels = 21;  // no multiple of a register
  const std::vector<float> x = Values(kPixels * kChannels, 30), scale = Values(kChannels, 2),
                           shift = Values(kChannels, 3);
  std::vector<float> y(kPixels * (kChannels + 2), -7.0f);
  AffineSilu(x.data(), kPixels, kChannels, scale.data(), shift.data(), y.data(), kChannels + 2);
  for (int64_t p = 0; p < kPixels; ++p) {
    for (int64_t c = 0; c < kChannels; ++c) {
      const double product = double{x[p * kChannels + c]} * scale[c], v = product + shift[c];
      const double expected = v / (1 + std::exp(-v));
      // Of v as a float, of which not every instruction set rounds the product.
      const double rounding = 6e-8 * (std::abs(product) + std::abs(v));
      const double slope = std::abs(expected) + 1 / (1 + std::exp(-v));
      EXPECT_NEAR(y[p * (kChannels + 2) + c], expected,
                  4e-7 * std::abs(expected) + slope * rounding + 1e-30)
          << v;
    }
    EXPECT_EQ(y[p * (kChannels + 2) + kChannels], -7.0f);  // another's place
  }
}

TEST(KernelsTest, GradientOfSiluIsThatOfDoublePrecision) {
  constexpr int64_t kPixels = 99, kChannels = 21, kStride = 23;
  const std::vector<float> x = Values(kPixels * kChannels, 30), scale = Values(kChannels, 2),
                           shift = Values(kChannels, 3), centre = Values(kChannels, 1),
                           given = Values(kPixels * kStride, 5);
  std::vector<float> g = given, sum(kChannels, 1.0f), dot(kChannels, 2.0f);
  SiluGradient({x.data(), kPixels, kChannels, scale.data(), shift.data(), centre.data()}, g.data(),
               kStride, sum.data(), dot.data());
  for (int64_t c = 0; c < kChannels; ++c) {
    double expected_sum = 1, expected_dot = 2;
    for (int64_t p = 0; p < kPixels; ++p) {
      const double of_x = x[p * kChannels + c], v = x[p * kChannels + c] * scale[c] + shift[c];
      const double s = 1 / (1 + std::exp(-v));
      const double expected = given[p * kStride + c] * s * (1 + v * (1 - s));
      EXPECT_NEAR(g[p * kStride + c], expected, 4e-6) << v;
      expected_sum += expected;
      expected_dot += expected * (of_x - centre[c]);
    }
    EXPECT_NEAR(sum[c], expected_sum, 4e-5);
    EXPECT_NEAR(dot[c], expected_dot, 1e-3);
  }
  EXPECT_EQ(g[kChannels], given[kChannels]);  // another's place
}

TEST(KernelsTest, GradientOfSiluOfLargeValuesIsItsLimit) {
  const std::vector<float> x = {-1e30f, -1000, 1000, 1e30f}, one(4, 1.0f), zero(4, 0.0f);
  std::vector<float> g = one, sum = zero, dot = zero;
  SiluGradient({x.data(), 1, 4, one.data(), zero.data(), zero.data()}, g.data(), 4, sum.data(),
               dot.data());
  EXPECT_NEAR(g[0], 0, 1e-7);
  EXPECT_NEAR(g[1], 0, 1e-30);
  EXPECT_EQ(g[2], 1);
  EXPECT_EQ(g[3], 1);
}

TEST(KernelsTest, SiluOfLargeValuesIsTheirLimit) {
  const std::vector<float> x = {-1e30f, -1000, 1000, 1e30f}, one(4, 1.0f), zero(4, 0.0f);
  std::vector<float> y(4);
  AffineSilu(x.data(), 1, 4, one.data(), zero.data(), y.data(), 4);
  EXPECT_NEAR(y[1], 0, 1e-30);
  EXPECT_EQ(y[2], 1000);
  EXPECT_EQ(y[3], 1e30f);
  EXPECT_LE(std::abs(y[0]), 1e-7f);
}

TEST(KernelsTest, WhatIsNotFiniteStaysSo) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x(40, nan), one(40, 1.0f), zero(40, 0.0f);
  std::vector<float> y(40);
  AffineSilu(x.data(), 1, 40, one.data(), zero.data(), y.data(), 40);
  for (const float value : y) EXPECT_TRUE(std::isnan(value));
  std::vector<float> row(40, 1.0f);
  row[17] = nan;
  SoftmaxRows(row.data(), 1, 40, 1.0f);
  for (const float value : row) EXPECT_TRUE(std::isnan(value));
}

TEST(KernelsTest, SoftmaxIsThatOfDoublePrecision) {
  for (const int64_t columns : {1, 7, 16, 50, 256}) {
    std::vector<float> x = Values(3 * columns, 20);
    const std::vector<float> before = x;
    SoftmaxRows(x.data(), 3, columns, 0.35f);
    for (int64_t row = 0; row < 3; ++row) {
      double sum = 0;
      for (int64_t j = 0; j < columns; ++j) sum += std::exp(0.35 * before[row * columns + j]);
      for (int64_t j = 0; j < columns; ++j) {
        const double expected = std::exp(0.35 * before[row * columns + j]) / sum;
        EXPECT_NEAR(x[row * columns + j], expected, 3e-6 * expected) << columns;
      }
    }
  }
}

// As of LibTorch, which has its own rounding.
uint16_t Rounded(float value) { return c10::BFloat16(value).x; }

TEST(KernelsTest, RoundingIsToTheNearestAndTiesToEven) {
  std::vector<float> x = {0.0f,
                          -0.0f,
                          1.0f,
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::max(),
                          1e-40f};
  // Around numbers that bfloat16 has: halves, and their neighbours.
  for (const uint32_t upper : {0x3f80u, 0x3f81u, 0xc2ffu, 0x0001u, 0x7f7eu}) {
    for (const uint32_t lower : {0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      x.push_back(std::bit_cast<float>(upper << 16 | lower));
    }
  }
  std::vector<Bfloat16> y(x.size());
  Round(x.data(), static_cast<int64_t>(x.size()), y.data());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i].bits, Rounded(x[i])) << x[i];
}

TEST(KernelsTest, RoundedNotANumberStaysSo) {
  for (const uint32_t bits : {0x7fc00000u, 0xffffffffu, 0x7fffffffu, 0x7f800001u}) {
    const std::vector<float> x(17, std::bit_cast<float>(bits));
    std::vector<Bfloat16> y(17);
    Round(x.data(), 17, y.data());
    for (const Bfloat16 value : y) EXPECT_GT(value.bits & 0x7fff, 0x7f80) << bits;
  }
}

TEST(KernelsTest, ShortResultsAreTheLongOnesRounded) {
  constexpr int64_t kPixels = 9, kChannels = 21, kStride = 23;
  const std::vector<float> x = Values(kPixels * kChannels, 30), scale = Values(kChannels, 2),
                           shift = Values(kChannels, 3);
  std::vector<float> y(kPixels * kStride, -7.0f);
  std::vector<Bfloat16> rounded(kPixels * kStride, Bfloat16{Rounded(-7.0f)});
  Affine(x.data(), kPixels, kChannels, scale.data(), shift.data(), y.data(), kStride);
  Affine(x.data(), kPixels, kChannels, scale.data(), shift.data(), rounded.data(), kStride);
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(rounded[i].bits, Rounded(y[i])) << i;
}

float Value(Bfloat16 number) {
  return std::bit_cast<float>(static_cast<uint32_t>(number.bits) << 16);
}

// To half of a last place, 2^-8, and the 2^-13 that the value before has.
TEST(KernelsTest, ShortSiluIsThatOfDoublePrecisionRounded) {
  SKIP_WITHOUT_BFLOAT16();
  constexpr int64_t kPixels = 999, kChannels = 21, kStride = 23;  // no multiple of a register
  const std::vector<float> x = Values(kPixels * kChannels, 30), scale = Values(kChannels, 2),
                           shift = Values(kChannels, 3);
  const Bfloat16 untouched{0x1234};
  std::vector<Bfloat16> y(kPixels * kStride, untouched);
  AffineSilu(x.data(), kPixels, kChannels, scale.data(), shift.data(), y.data(), kStride);
  int64_t nearest = 0;
  for (int64_t p = 0; p < kPixels; ++p) {
    for (int64_t c = 0; c < kChannels; ++c) {
      const double v = static_cast<double>(x[p * kChannels + c]) * scale[c] + shift[c];
      const double expected = v / (1 + std::exp(-v));
      const Bfloat16 actual = y[p * kStride + c];
      EXPECT_NEAR(Value(actual), expected, std::abs(expected) * (0x1p-8 + 0x1p-13) + 1e-20) << v;
      nearest += actual.bits == Rounded(static_cast<float>(expected)) ? 1 : 0;
    }
    EXPECT_EQ(y[p * kStride + kChannels].bits, untouched.bits);  // another's place
  }
  EXPECT_GT(nearest, kPixels * kChannels * 95 / 100);
}

TEST(KernelsTest, ShortSiluOfWhatHasNoBoundsIsNoNumberOrItsLimit) {
  SKIP_WITHOUT_BFLOAT16();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {-1e30f, -1000,     1000,
                                1e30f,  kInfinity, std::numeric_limits<float>::quiet_NaN()},
                           one(6, 1.0f), zero(6, 0.0f);
  std::vector<Bfloat16> y(6);
  AffineSilu(x.data(), 1, 6, one.data(), zero.data(), y.data(), 6);
  EXPECT_NEAR(Value(y[0]), 0, 1e-7);
  EXPECT_NEAR(Value(y[1]), 0, 1e-30);
  EXPECT_EQ(Value(y[2]), 1000);
  EXPECT_NEAR(Value(y[3]), 1e30, 4e27);
  EXPECT_EQ(Value(y[4]), kInfinity);
  EXPECT_TRUE(std::isnan(Value(y[5])));
}

TEST(KernelsTest, ShortSoftmaxIsTheLongOneRounded) {
  std::vector<float> x = Values(3 * 50, 20), copy = x;
  std::vector<Bfloat16> rounded(x.size());
  SoftmaxRows(copy.data(), 3, 50, 0.35f, rounded.data());
  SoftmaxRows(x.data(), 3, 50, 0.35f);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(rounded[i].bits, Rounded(x[i])) << i;
}

TEST(KernelsTest, MomentsAreAddedToWhatIsThere) {
  constexpr int64_t kPixels = 5, kChannels = 19;
  const std::vector<float> x = Values(kPixels * kChannels, 4), shift = Values(kChannels, 1);
  std::vector<float> sum(kChannels, 10.0f), square(kChannels, 20.0f);
  AddMoments(x.data(), kPixels, kChannels, shift.data(), sum.data(), square.data());
  for (int64_t c = 0; c < kChannels; ++c) {
    double expected_sum = 10, expected_square = 20;
    for (int64_t p = 0; p < kPixels; ++p) {
      const double v = static_cast<double>(x[p * kChannels + c]) - shift[c];
      expected_sum += v;
      expected_square += v * v;
    }
    EXPECT_NEAR(sum[c], expected_sum, 1e-5);
    EXPECT_NEAR(square[c], expected_square, 1e-4);
  }
}

}  // namespace
}  // namespace tweedie::plan
