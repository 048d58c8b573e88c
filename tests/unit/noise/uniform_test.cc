#include "core/noise/uniform.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tweedie {
namespace {

std::vector<double> Draw(const NoiseKey& key, size_t count) {
  Uniforms uniforms(key);
  std::vector<double> drawn(count);
  for (double& u : drawn) u = uniforms.Next();
  return drawn;
}

// Philox4x32-10 of zeros is 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
TEST(UniformsTest, HaveTheBitsOfTheContract) {
  const std::vector<double> drawn = Draw({}, 2);
  EXPECT_EQ(drawn[0], (0x6627e8d5e169cp0 + 0.5) * 0x1p-52);
  EXPECT_EQ(drawn[1], (0xbc57ac4c9b00dp0 + 0.5) * 0x1p-52);
}

TEST(UniformsTest, DependOnEveryPartOfTheKey) {
  const std::vector<double> base = Draw({5, 1, 2, NoisePurpose::kOperator, 3}, 8);
  EXPECT_EQ(Draw({5, 1, 2, NoisePurpose::kOperator, 3}, 8), base);
  const NoiseKey others[] = {{6, 1, 2, NoisePurpose::kOperator, 3},
                             {5 + (uint64_t{1} << 32), 1, 2, NoisePurpose::kOperator, 3},
                             {5, 2, 2, NoisePurpose::kOperator, 3},
                             {5, 1, 3, NoisePurpose::kOperator, 3},
                             {5, 1, 2, NoisePurpose::kMeasurement, 3},
                             {5, 1, 2, NoisePurpose::kOperator, 4}};
  for (const NoiseKey& other : others) EXPECT_NE(Draw(other, 8), base);
}

// Kolmogorov and Smirnov: sqrt(n) D exceeds 2.2 with probability 1.3e-4.
TEST(UniformsTest, AreUniform) {
  std::vector<double> u = Draw({2024}, 1'000'000);
  std::sort(u.begin(), u.end());
  EXPECT_GT(u.front(), 0);
  EXPECT_LT(u.back(), 1);
  const double n = static_cast<double>(u.size());
  double distance = 0;
  for (size_t i = 0; i < u.size(); ++i) {
    const double rank = static_cast<double>(i);
    distance = std::max({distance, u[i] - rank / n, (rank + 1) / n - u[i]});
  }
  EXPECT_LT(std::sqrt(n) * distance, 2.2);
}

TEST(UniformsTest, AreIndependentOfTheirNeighbours) {
  const std::vector<double> u = Draw({7}, 1'000'001);
  for (const size_t lag : {1u, 2u, 3u, 4u}) {
    double sum = 0;
    for (size_t i = 0; i + lag < u.size(); ++i) sum += 12 * (u[i] - 0.5) * (u[i + lag] - 0.5);
    EXPECT_NEAR(sum / 1e6, 0, 4.5e-3) << lag;
  }
}

}  // namespace
}  // namespace tweedie
