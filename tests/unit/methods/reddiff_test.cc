#include "core/methods/reddiff.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "core/noise/noise.h"
#include "core/operators/solve.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr ImageShape3 kShape = {1, 16, 16};

// Of singular values down to 1e-5 or so.
BlurSpec WideBlur() { return {BlurSpec::Gaussian{15, 2}, BlurSpec::Boundary::kCircular}; }

class ReddiffStartTest : public testing::Test {
 protected:
  TaskContext Context(const MeasurementSpec& spec, int samples = 1) const {
    return {*model_, std::make_shared<const Measurement>(Measure(spec, kShape, 4).value()), 4,
            samples};
  }
  const std::shared_ptr<DiffusionModel> model_ = MakeDiffusionModel(kShape);
  const at::Tensor images_ = Normals({3}, 2, kShape).clamp(-1, 1);
};

TEST_F(ReddiffStartTest, ABlurredNoisyImageStaysOfTheSizeOfImages) {
  for (const double sigma : {0.0, 0.05, 0.5}) {
    const at::Tensor start = ReddiffStart(Context(Simulated(WideBlur(), images_, sigma)));
    EXPECT_LT(start.abs().max().item<double>(), 3) << sigma;
  }
}

TEST_F(ReddiffStartTest, IsThePosteriorMeanOfImagesOfVarianceOne) {
  const TaskContext context = Context(Simulated(WideBlur(), images_, 0.2));
  const Measurement& m = *context.measurement;
  const at::Tensor start = ReddiffStart(context);
  const LinearOperator& A = *m.A->linear();
  const at::Tensor normal = A.Adjoint(A.Forward(start)).add(start.mul(0.2 * 0.2));
  EXPECT_THAT(normal, IsCloseTo(A.Adjoint(m.y), 1e-5));
}

TEST_F(ReddiffStartTest, WhatIsMeasuredWithoutNoiseStartsNearTheMeasurement) {
  const at::Tensor start = ReddiffStart(Context(Simulated(IdentitySpec(), images_)));
  EXPECT_THAT(start, IsCloseTo(images_, 2e-4));
}

TEST_F(ReddiffStartTest, SamplesOfAMeasurementStartAlike) {
  const MeasurementSpec spec = Simulated(WideBlur(), images_, 0.1);
  const at::Tensor start = ReddiffStart(Context(spec, 3));
  EXPECT_THAT(start, IsBitEqualTo(ReddiffStart(Context(spec)).repeat_interleave(3, 0)));
}

TEST_F(ReddiffStartTest, IsNoiseIfTheOperatorIsNotLinear) {
  const at::Tensor start = ReddiffStart(Context(Simulated(PhaseRetrievalSpec(), images_), 2));
  EXPECT_THAT(start,
              IsBitEqualTo(Normals({.seed = 4, .purpose = NoisePurpose::kInitial}, 4, kShape)));
}

TEST_F(ReddiffStartTest, IsNotSolvedForAJobThatGoesOn) {
  const TaskContext context = Context(Simulated(WideBlur(), images_, 0.1), 2);
  ReddiffTask task;
  task.measurement = Simulated(WideBlur(), images_, 0.1);
  ASSERT_OK_AND_ASSIGN(task, Resolve(task, context));
  ASSERT_OK_AND_ASSIGN(const Reddiff::Options options,
                       OptionsOf(task, context, model_, /*restored=*/true));
  EXPECT_THAT(options.mu, IsBitEqualTo(at::zeros({4, 1, 16, 16})));
}

}  // namespace
}  // namespace tweedie
