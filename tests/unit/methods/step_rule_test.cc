#include "core/methods/step_rule.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/methods/ancestral.h"
#include "core/methods/ddim.h"
#include "core/methods/dpm_solver.h"
#include "core/noise/noise.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

// A step from alpha_bar 0.3 to 0.6, after one from 0.1.
StepInput MakeInput() {
  StepInput in;
  in.levels = {0.3, 0.6, false, 0.1};
  in.x0_hat = Normals({1}, 2, {1, 3, 3});
  in.eps = Normals({2}, 2, {1, 3, 3});
  in.x_t = std::sqrt(0.3) * in.x0_hat + std::sqrt(0.7) * in.eps;
  in.x0_hat_before = Normals({3}, 2, {1, 3, 3});
  in.z = Normals({4}, 2, {1, 3, 3});
  return in;
}

StepInput LastStep() {
  StepInput in = MakeInput();
  in.levels.alpha_bar_s = 1;
  in.levels.last = true;
  return in;
}

StepInput WithPredicted(double v) {
  StepInput in = MakeInput();
  in.predicted_variance = at::full_like(in.x_t, v);
  return in;
}

TEST(AncestralTest, LearnedRangeLiesBetweenTheFixedVariances) {
  const Ancestral learned(Variance::kLearnedRange);
  EXPECT_THAT(learned.Step(WithPredicted(1)),
              IsCloseTo(Ancestral(Variance::kFixedLarge).Step(MakeInput()), 1e-6));
  EXPECT_THAT(learned.Step(WithPredicted(-1)),
              IsCloseTo(Ancestral(Variance::kFixedSmall).Step(MakeInput()), 1e-6));
}

TEST(AncestralTest, LearnedRangeBitsDoNotDependOnPlace) {
  StepInput in = MakeInput();
  in.predicted_variance = at::full_like(in.x_t, 0.1234);
  in.x0_hat = in.x_t = in.z = at::ones_like(in.x_t);
  const at::Tensor x_s = Ancestral(Variance::kLearnedRange).Step(in);
  EXPECT_THAT(x_s, IsBitEqualTo(at::full_like(x_s, x_s.flatten()[0].item<float>())));
}

TEST(AncestralTest, LastStepIsTheEstimateWithoutNoise) {
  for (const Variance variance :
       {Variance::kFixedSmall, Variance::kFixedLarge, Variance::kLearnedRange}) {
    EXPECT_FALSE(Ancestral(variance).Draws(LastStep().levels));
    EXPECT_THAT(Ancestral(variance).Step(LastStep()), IsCloseTo(LastStep().x0_hat, 1e-6));
  }
}

TEST(DdimTest, WithEtaOneIsAncestral) {
  EXPECT_THAT(Ddim(1).Step(MakeInput()),
              IsCloseTo(Ancestral(Variance::kFixedSmall).Step(MakeInput()), 2e-6));
}

TEST(DdimTest, WithEtaZeroKeepsTheNoise) {
  const StepInput in = MakeInput();
  EXPECT_FALSE(Ddim(0).Draws(in.levels));
  EXPECT_THAT(Ddim(0).Step(in),
              IsCloseTo(std::sqrt(0.6) * in.x0_hat + std::sqrt(0.4) * in.eps, 1e-6));
}

TEST(DdimTest, LastStepIsTheEstimate) {
  EXPECT_THAT(Ddim(1).Step(LastStep()), IsBitEqualTo(LastStep().x0_hat));
}

TEST(DpmSolverTest, FirstStepIsDdim) {
  StepInput in = MakeInput();
  in.levels.alpha_bar_before.reset();
  in.x0_hat_before = at::Tensor();
  EXPECT_THAT(DpmSolverPp2m().Step(in), IsCloseTo(Ddim(0).Step(in), 2e-6));
}

TEST(DpmSolverTest, ExtrapolatesTheEstimates) {
  const StepInput in = MakeInput();
  const auto lambda = [](double a) { return std::log(std::sqrt(a) / std::sqrt(1 - a)); };
  const double h = lambda(0.6) - lambda(0.3);
  const double r = (lambda(0.3) - lambda(0.1)) / h;
  const at::Tensor d = (1 + 1 / (2 * r)) * in.x0_hat - 1 / (2 * r) * in.x0_hat_before;
  EXPECT_THAT(
      DpmSolverPp2m().Step(in),
      IsCloseTo(std::sqrt(0.4 / 0.7) * in.x_t - std::sqrt(0.6) * (std::exp(-h) - 1) * d, 2e-6));
}

TEST(DpmSolverTest, StepAfterOneWithoutSignalIsFirstOrder) {
  StepInput in = MakeInput();
  in.levels.alpha_bar_before = 0;
  EXPECT_THAT(DpmSolverPp2m().Step(in), IsCloseTo(Ddim(0).Step(in), 2e-6));
  in.levels = {0, 0.3, false, std::nullopt};
  in.x_t = in.eps;
  EXPECT_THAT(DpmSolverPp2m().Step(in), IsCloseTo(Ddim(0).Step(in), 2e-6));
}

TEST(DpmSolverTest, LastStepIsTheEstimate) {
  EXPECT_THAT(DpmSolverPp2m().Step(LastStep()), IsBitEqualTo(LastStep().x0_hat));
}

}  // namespace
}  // namespace tweedie
