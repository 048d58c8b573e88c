#include "server/runner/watched_operator.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "core/operators/solve.h"
#include "tests/testing/measurement_specs.h"

namespace tweedie {
namespace {

std::shared_ptr<const Measurement> Measured(OperatorSpec A) {
  const at::Tensor images = at::linspace(-1, 1, 2 * 64, at::kFloat).view({2, 1, 8, 8});
  return std::make_shared<const Measurement>(
      Measure(Simulated(std::move(A), images), {1, 8, 8}, 1).value());
}

TEST(WatchOperatorTest, ALongSolveIsSeenToGoOnAndItsBitsAreTheSame) {
  const auto uses = std::make_shared<OperatorUses>(0);
  const auto measurement = Measured(TomographySpec{.num_angles = 6});
  const auto watched = WatchOperator(measurement, uses);
  const at::Tensor rho = at::full({2}, 0.1, at::kDouble);
  const at::Tensor v = at::zeros({2, 1, 8, 8});
  const at::Tensor solved = Proximal(*watched->A->linear(), watched->y, v, rho);
  EXPECT_GT(*uses, 10);
  EXPECT_TRUE(at::equal(solved, Proximal(*measurement->A->linear(), measurement->y, v, rho)));
  EXPECT_EQ(watched->A->output_shape(), measurement->A->output_shape());
}

TEST(WatchOperatorTest, WhatIsSolvedAtOnceOrNotAtAllIsItself) {
  const auto uses = std::make_shared<OperatorUses>(0);
  for (const OperatorSpec& spec :
       {OperatorSpec(BlockMeans()), OperatorSpec(PhaseRetrievalSpec{})}) {
    const auto measurement = Measured(spec);
    EXPECT_EQ(WatchOperator(measurement, uses), measurement);
  }
  EXPECT_EQ(WatchOperator(nullptr, uses), nullptr);
}

}  // namespace
}  // namespace tweedie
