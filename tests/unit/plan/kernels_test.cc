#include "core/plan/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

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
      const double v = x[p * kChannels + c] * scale[c] + shift[c];
      const double expected = v / (1 + std::exp(-v));
      EXPECT_NEAR(y[p * (kChannels + 2) + c], expected, 4e-7 * std::abs(expected) + 1e-30) << v;
    }
    EXPECT_EQ(y[p * (kChannels + 2) + kChannels], -7.0f);  // another's place
  }
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
