#include "core/operators/poisson.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

namespace tweedie {
namespace {

// Fixed seeds: these tests always see the same numbers. Bounds are 4.5 standard
// errors.
constexpr int kCount = 200'000;
constexpr double kErrors = 4.5;

std::vector<double> Draw(double mean, int count, uint64_t seed = 3) {
  Uniforms uniforms({.seed = seed});
  std::vector<double> drawn(static_cast<size_t>(count));
  for (double& k : drawn) k = DrawPoisson(mean, &uniforms);
  return drawn;
}

double Probability(double k, double mean) {
  return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
}

class PoissonTest : public testing::TestWithParam<double> {};

TEST_P(PoissonTest, HasMeanAndVarianceOfItsMean) {
  const double mean = GetParam();
  double sum = 0;
  double squares = 0;
  for (const double k : Draw(mean, kCount)) {
    sum += k - mean;
    squares += (k - mean) * (k - mean);
  }
  EXPECT_NEAR(sum / kCount, 0, kErrors * std::sqrt(mean / kCount));
  const double error = std::sqrt((mean + 2 * mean * mean) / kCount);
  EXPECT_NEAR(squares / kCount, mean, kErrors * error);
}

// Chi squared over the counts that are expected at least 10 times, the others
// together as one.
TEST_P(PoissonTest, HasThePoissonDistribution) {
  const double mean = GetParam();
  if (mean > 1e4) return;  // too wide for single counts to repeat
  std::map<double, int> histogram;
  for (const double k : Draw(mean, kCount, 4)) ++histogram[k];
  double chi = 0;
  int cells = 0;
  double rest = kCount;
  double rest_expected = kCount;
  for (double k = 0; k < mean + 20 * std::sqrt(mean) + 20; ++k) {
    const double expected = kCount * Probability(k, mean);
    if (expected < 10) continue;
    const double seen = histogram[k];
    chi += (seen - expected) * (seen - expected) / expected;
    rest -= seen;
    rest_expected -= expected;
    ++cells;
  }
  if (rest_expected > 1) chi += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
  EXPECT_LT(chi, cells + kErrors * std::sqrt(2.0 * cells) + 3);
}

INSTANTIATE_TEST_SUITE_P(Means, PoissonTest,
                         testing::Values(1e-3, 0.3, 1.0, 4.0, 9.99, 10.0, 12.5, 15.7, 30.0, 300.0,
                                         5e3, 1e5, 1e9, 2147483647.0, 2147483648.0, 1e14));

TEST(PoissonTest, OfMeanZeroIsZero) {
  for (const double k : Draw(0, 1000)) EXPECT_EQ(k, 0);
}

TEST(PoissonTest, CountsAreWholeNumbers) {
  for (const double mean : {0.5, 9.0, 11.0, 1e6, 2e9}) {
    for (const double k : Draw(mean, 1000)) {
      EXPECT_GE(k, 0);
      EXPECT_EQ(k, std::floor(k));
    }
  }
}

}  // namespace
}  // namespace tweedie
