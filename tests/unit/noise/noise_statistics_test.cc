#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/noise/noise.h"

namespace tweedie {
namespace {

// Fixed seeds: these tests always see the same numbers. Bounds are 4.5 standard
// errors, a chance of 7e-6 for each that a true source of normals misses one.
constexpr size_t kCount = 10'000'000;
constexpr double kErrors = 4.5;

std::vector<float> Fill(const NoiseKey& key, size_t count) {
  std::vector<float> values(count);
  FillNormals(key, absl::MakeSpan(values));
  return values;
}

const std::vector<float>& Sample() {
  static const auto* const sample = new std::vector<float>(Fill({2024}, kCount));
  return *sample;
}

double Mean(const std::vector<float>& values, double (*of)(double)) {
  double sum = 0;
  for (const float value : values) sum += of(value);
  return sum / static_cast<double>(values.size());
}

double UpperTail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

TEST(NoiseStatisticsTest, MomentsAreThoseOfTheNormal) {
  const double n = kCount;
  const std::vector<float>& z = Sample();
  EXPECT_NEAR(Mean(z, [](double v) { return v; }), 0, kErrors * std::sqrt(1 / n));
  EXPECT_NEAR(Mean(z, [](double v) { return v * v; }), 1, kErrors * std::sqrt(2 / n));
  EXPECT_NEAR(Mean(z, [](double v) { return v * v * v; }), 0, kErrors * std::sqrt(15 / n));
  EXPECT_NEAR(Mean(z, [](double v) { return v * v * v * v; }), 3, kErrors * std::sqrt(96 / n));
}

// Counts above and below +-z for a larger sample, to 5 sigma and beyond.
TEST(NoiseStatisticsTest, TailsAreThoseOfTheNormal) {
  constexpr int kDraws = 10;
  constexpr double kLevels[] = {1, 2, 3, 4, 4.5, 5, 5.25};
  double above[std::size(kLevels)] = {};
  double below[std::size(kLevels)] = {};
  for (uint32_t step = 0; step < kDraws; ++step) {
    for (const float z : Fill({77, 0, step}, kCount)) {
      for (size_t i = 0; i < std::size(kLevels); ++i) {
        above[i] += z > kLevels[i];
        below[i] += z < -kLevels[i];
      }
    }
  }
  for (size_t i = 0; i < std::size(kLevels); ++i) {
    const double expected = kDraws * double{kCount} * UpperTail(kLevels[i]);
    EXPECT_NEAR(above[i], expected, kErrors * std::sqrt(expected)) << "above " << kLevels[i];
    EXPECT_NEAR(below[i], expected, kErrors * std::sqrt(expected)) << "below " << -kLevels[i];
  }
}

// Kolmogorov and Smirnov: sqrt(n) D exceeds 2.2 with probability 1.3e-4.
TEST(NoiseStatisticsTest, DistributionIsTheNormal) {
  std::vector<float> z = Sample();
  std::sort(z.begin(), z.end());
  const double n = kCount;
  double distance = 0;
  for (size_t i = 0; i < z.size(); ++i) {
    const double expected = UpperTail(-z[i]);
    const double rank = static_cast<double>(i);
    distance = std::max({distance, expected - rank / n, (rank + 1) / n - expected});
  }
  EXPECT_LT(std::sqrt(n) * distance, 2.2);
}

double Correlation(const std::vector<float>& a, const std::vector<float>& b, size_t lag = 0) {
  double sum = 0;
  for (size_t i = 0; i + lag < a.size(); ++i) sum += double{a[i + lag]} * b[i];
  return sum / static_cast<double>(a.size() - lag);
}

// Also of squares, since Box and Muller's pairs share a radius.
double SquareCorrelation(const std::vector<float>& a, const std::vector<float>& b, size_t lag = 0) {
  double sum = 0;
  for (size_t i = 0; i + lag < a.size(); ++i) {
    sum += (double{a[i + lag]} * a[i + lag] - 1) * (double{b[i]} * b[i] - 1) / 2;
  }
  return sum / static_cast<double>(a.size() - lag);
}

void ExpectIndependent(const NoiseKey& a, const NoiseKey& b) {
  constexpr size_t kLength = 1'000'000;
  const std::vector<float> x = Fill(a, kLength);
  const std::vector<float> y = Fill(b, kLength);
  const double bound = kErrors / std::sqrt(double{kLength});
  EXPECT_NEAR(Correlation(x, y), 0, bound);
  EXPECT_NEAR(SquareCorrelation(x, y), 0, bound);
}

TEST(NoiseStatisticsTest, ElementsAreIndependent) {
  const double bound = kErrors / std::sqrt(double{kCount});
  for (const size_t lag : {1u, 2u, 3u, 4u, 5u, 8u, 32u, 1024u}) {
    EXPECT_NEAR(Correlation(Sample(), Sample(), lag), 0, bound) << lag;
    EXPECT_NEAR(SquareCorrelation(Sample(), Sample(), lag), 0, bound) << lag;
  }
}

TEST(NoiseStatisticsTest, ImagesAreIndependent) {
  for (uint32_t image = 1; image < 5; ++image) ExpectIndependent({3, 0}, {3, image});
}

TEST(NoiseStatisticsTest, StepsAreIndependent) {
  for (uint32_t step = 1; step < 5; ++step) ExpectIndependent({3, 0, 0}, {3, 0, step});
}

TEST(NoiseStatisticsTest, PurposesAreIndependent) {
  const NoiseKey initial{3, 0, 0, NoisePurpose::kInitial};
  for (uint32_t purpose = 1; purpose <= 6; ++purpose) {
    ExpectIndependent(initial, {3, 0, 0, static_cast<NoisePurpose>(purpose)});
  }
  ExpectIndependent({3, 0, 0, NoisePurpose::kLangevin, 0}, {3, 0, 0, NoisePurpose::kLangevin, 1});
}

TEST(NoiseStatisticsTest, SeedsAreIndependent) {
  for (uint64_t seed = 1; seed < 5; ++seed) ExpectIndependent({0}, {seed});
  ExpectIndependent({0}, {uint64_t{1} << 32});
}

// Image 1 at step 0 must not be image 0 at step 1, nor any such mixture.
TEST(NoiseStatisticsTest, WordsOfTheCounterAreNotExchanged) {
  ExpectIndependent({3, 1, 0}, {3, 0, 1});
  ExpectIndependent({3, 0, 1}, {3, 0, 0, NoisePurpose::kStep});
  ExpectIndependent({3, 1, 0}, {3, 0, 0, NoisePurpose::kStep});
}

}  // namespace
}  // namespace tweedie
