#include "core/operators/blur_kernels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

void ExpectDistribution(const at::Tensor& kernel, int size) {
  EXPECT_EQ(kernel.sizes(), at::IntArrayRef({size, size}));
  EXPECT_NEAR(kernel.sum().item<double>(), 1, 1e-12);
  EXPECT_GE(kernel.min().item<double>(), 0);
}

// The smaller and the larger principal deviation of the kernel's weight.
std::pair<double, double> Deviations(const at::Tensor& kernel) {
  const at::Tensor at = at::arange(kernel.size(0), at::kDouble);
  const at::Tensor y = at.unsqueeze(1).expand_as(kernel);
  const at::Tensor x = at.unsqueeze(0).expand_as(kernel);
  const at::Tensor points = at::stack({y.flatten(), x.flatten()});
  const at::Tensor weights = kernel.flatten();
  const at::Tensor offsets = points.sub(points.mul(weights).sum(1, true));
  const at::Tensor covariance = at::matmul(offsets.mul(weights), offsets.t());
  const at::Tensor variances = at::linalg_eigvalsh(covariance);
  return {std::sqrt(std::fmax(variances[0].item<double>(), 0)),
          std::sqrt(variances[1].item<double>())};
}

TEST(BlurKernelsTest, GaussianIsThatOfItsDeviation) {
  const at::Tensor kernel = GaussianKernel(7, 1.5);
  ExpectDistribution(kernel, 7);
  const double middle = kernel[3][3].item<double>();
  EXPECT_NEAR(kernel[1][4].item<double>(), middle * std::exp(-5 / 4.5), 1e-15);
  EXPECT_THAT(kernel.flip({0, 1}), IsBitEqualTo(kernel));
  EXPECT_THAT(kernel.t(), IsBitEqualTo(kernel));
}

TEST(BlurKernelsTest, NarrowestGaussianIsAPoint) {
  at::Tensor point = at::zeros({5, 5}, at::kDouble);
  point[2][2] = 1;
  EXPECT_THAT(GaussianKernel(5, 1e-300), IsCloseTo(point, 1e-300));
}

TEST(BlurKernelsTest, MotionIsADistributionThatFills) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const double intensity : {0.0, 0.5, 1.0}) {
      ExpectDistribution(MotionKernel(15, intensity, seed), 15);
    }
  }
  ExpectDistribution(MotionKernel(1, 0.5, 3), 1);
}

// A line of length 14 has deviation 14 / sqrt(12) along and only that of the
// pixels across.
TEST(BlurKernelsTest, MotionWithoutIntensityIsAStraightLine) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto [across, along] = Deviations(MotionKernel(15, 0, seed));
    EXPECT_LT(across, 0.55);
    EXPECT_NEAR(along, 14 / std::sqrt(12.0), 0.1);
  }
}

TEST(BlurKernelsTest, MotionIsMoreCrookedTheMoreIntense) {
  double across[3] = {};
  for (uint64_t seed = 0; seed < 50; ++seed) {
    across[0] += Deviations(MotionKernel(31, 0.1, seed)).first;
    across[1] += Deviations(MotionKernel(31, 0.5, seed)).first;
    across[2] += Deviations(MotionKernel(31, 1.0, seed)).first;
  }
  EXPECT_LT(1.5 * across[0], across[1]);
  EXPECT_LT(across[1], across[2]);
}

TEST(BlurKernelsTest, RandomIsPositiveAndUneven) {
  const at::Tensor kernel = RandomKernel(9, 4);
  ExpectDistribution(kernel, 9);
  EXPECT_GT(kernel.min().item<double>(), 0);
  EXPECT_NEAR(kernel.mul(81 * 0.5).std().item<double>(), 1 / std::sqrt(12.0), 0.06);
}

TEST(BlurKernelsTest, AreFunctionsOfTheSeed) {
  EXPECT_THAT(MotionKernel(9, 0.5, 1), IsBitEqualTo(MotionKernel(9, 0.5, 1)));
  EXPECT_FALSE(at::equal(MotionKernel(9, 0.5, 1), MotionKernel(9, 0.5, 2)));
  EXPECT_THAT(RandomKernel(9, 1), IsBitEqualTo(RandomKernel(9, 1)));
  EXPECT_FALSE(at::equal(RandomKernel(9, 1), RandomKernel(9, 2)));
}

}  // namespace
}  // namespace tweedie
