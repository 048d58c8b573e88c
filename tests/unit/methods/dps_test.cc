#include "core/methods/dps.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "core/methods/dps_defaults.h"
#include "core/methods/failure.h"
#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class DpsTest : public testing::TestWithParam<DpsObjective> {
 protected:
  DpsTest() {
    task_.measurement = Simulated(SkewBlur(), Normals({5}, 3, {1, 4, 6}).clamp(-1, 1), 0.1);
    task_.process.num_steps = 4;
    task_.zeta = 0.1;
    task_.objective = GetParam();
  }
  std::unique_ptr<Method> Make() const {
    TaskSpec spec;
    spec.task = task_;
    spec.seed = 2;
    return MakeMethod(spec, model_).value();
  }
  // A method that is about to make its last step, where little is clipped.
  std::unique_ptr<Method> AtTheEnd() {
    std::unique_ptr<Method> method = Make();
    for (int i = 0; i < 3; ++i) EXPECT_OK(StepMethod(*method, network_));
    return method;
  }
  DenoiserInput Input(const at::Tensor& x, int timestep) const {
    return {x, at::full({x.size(0)}, timestep, at::kLong), {}};
  }
  Differentiated Differentiate(const Method& method) {
    return network_.PredictWithGradient(
        Input(method.x(), method.NextQuery()->timestep),
        [&](int64_t first_row, const at::Tensor& x, const at::Tensor& prediction) {
          return method.GuidanceLoss({first_row, x, prediction});
        });
  }
  at::Tensor Loss(const Method& method, const at::Tensor& x) {
    const at::Tensor prediction = network_.Predict(Input(x, method.NextQuery()->timestep));
    return method.GuidanceLoss({0, x, prediction});
  }

  const std::shared_ptr<DiffusionModel> model_ = MakeDiffusionModel({1, 4, 6});
  SoftsignDenoiser network_;
  DpsTask task_;
};

TEST_P(DpsTest, AsksForTheGradient) { EXPECT_TRUE(Make()->NextQuery()->needs_gradient); }

TEST_P(DpsTest, GradientIsThatOfTheLossThroughTheNetwork) {
  task_.process.clip_x0 = false;
  const std::unique_ptr<Method> method = AtTheEnd();
  const at::Tensor gradient = Differentiate(*method).gradient;
  const double h = 2e-3;
  for (uint64_t seed = 50; seed < 55; ++seed) {
    const at::Tensor direction = Normals({seed}, 3, {1, 4, 6});
    const at::Tensor slope =
        (Loss(*method, method->x() + h * direction) - Loss(*method, method->x() - h * direction)) /
        (2 * h);
    const at::Tensor expected = gradient.mul(direction).flatten(1).sum(1);
    const double size = expected.abs().max().item<double>();
    ASSERT_GT(size, 0.05);
    EXPECT_THAT(expected, IsCloseTo(slope, 0.01 * size));
  }
}

TEST_P(DpsTest, LossOfARowIsThatOfTheRowAlone) {
  const std::unique_ptr<Method> method = AtTheEnd();
  const at::Tensor prediction = network_.Predict(Input(method->x(), method->NextQuery()->timestep));
  const at::Tensor all = method->GuidanceLoss({0, method->x(), prediction});
  ASSERT_EQ(all.sizes(), at::IntArrayRef({3}));
  for (int64_t r = 0; r < 3; ++r) {
    const at::Tensor alone =
        method->GuidanceLoss({r, method->x().narrow(0, r, 1), prediction.narrow(0, r, 1)});
    EXPECT_THAT(alone, IsCloseTo(all.narrow(0, r, 1), 1e-6));
  }
}

TEST_P(DpsTest, GradientIsZeroWhereTheEstimateIsClipped) {
  const std::unique_ptr<Method> method = Make();
  const Differentiated first = Differentiate(*method);
  ASSERT_OK(method->Advance({method->x(), first.prediction, first.gradient}));
  const at::Tensor clipped = method->x0_hat().abs().ge(1);
  ASSERT_TRUE(clipped.any().item<bool>());
  EXPECT_EQ(first.gradient.masked_select(clipped).abs().max().item<float>(), 0);
}

TEST_P(DpsTest, GradientThatIsNotFiniteDiverges) {
  const std::unique_ptr<Method> method = AtTheEnd();
  Differentiated result = Differentiate(*method);
  result.gradient[1][0][2][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor before = method->x();
  const absl::Status status = method->Advance({method->x(), result.prediction, result.gradient});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("gradient at timestep 0")));
  EXPECT_EQ(ReasonOf(status), "DIVERGED");
  EXPECT_THAT(method->x(), IsBitEqualTo(before));
}

TEST_P(DpsTest, MissingOrMisshapenGradientIsRefused) {
  const std::unique_ptr<Method> method = AtTheEnd();
  const at::Tensor prediction = Differentiate(*method).prediction;
  for (const at::Tensor& bad :
       {at::Tensor(), at::zeros({2, 1, 4, 6}), at::zeros({3, 1, 4, 6}, at::kDouble)}) {
    EXPECT_THAT(method->Advance({method->x(), prediction, bad}),
                StatusIs(absl::StatusCode::kInternal, HasSubstr("float [3, 1, 4, 6]")));
  }
}

TEST_P(DpsTest, WithoutWeightItIsSampling) {
  task_.zeta = 0;
  const std::unique_ptr<Method> method = Make();
  ASSERT_OK(RunMethod(*method, network_));
  SampleTask prior;
  prior.num_images = 3;
  prior.process = task_.process;
  TaskSpec spec;
  spec.task = prior;
  spec.seed = 2;
  const std::unique_ptr<Method> sampling = MakeMethod(spec, model_).value();
  ASSERT_OK(RunMethod(*sampling, network_));
  EXPECT_THAT(method->x(), IsBitEqualTo(sampling->x()));
}

INSTANTIATE_TEST_SUITE_P(Objectives, DpsTest,
                         testing::Values(DpsObjective::kNorm, DpsObjective::kSquaredNorm),
                         [](const auto& param) {
                           return param.param == DpsObjective::kNorm ? "Norm" : "SquaredNorm";
                         });

TEST(DpsDefaultsTest, FewerStepsGoFurther) {
  for (const DpsObjective objective : {DpsObjective::kNorm, DpsObjective::kSquaredNorm}) {
    const double zeta = DefaultZeta(SkewBlur(), objective, 1000);
    EXPECT_GT(zeta, 0);
    EXPECT_DOUBLE_EQ(DefaultZeta(SkewBlur(), objective, 250), 4 * zeta);
    EXPECT_DOUBLE_EQ(DefaultZeta(SkewBlur(), objective, 20), 10 * zeta);
  }
}

}  // namespace
}  // namespace tweedie
