#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/gaussian_denoiser.h"
#include "tests/testing/run_method.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

// Against N(m, C) over images of 1x2x2, where everything is known exactly
// (methods.md, section 12).
class GaussianPriorTest : public testing::Test {
 protected:
  static constexpr int kImages = 20000;

  GaussianPriorTest() {
    const at::Tensor root = at::tensor({0.5, 0.0, 0.0, 0.0,   //
                                        0.3, 0.4, 0.0, 0.0,   //
                                        -0.2, 0.1, 0.3, 0.0,  //
                                        0.1, -0.2, 0.2, 0.6},
                                       at::kDouble)
                                .view({4, 4});
    covariance_ = at::matmul(root, root.t());
    denoiser_ = std::make_unique<GaussianDenoiser>(model_->schedule, mean_, covariance_);
  }

  // [kImages, 4] drawn by `process`.
  at::Tensor Sample(const ReverseProcessSpec& process) {
    TaskSpec spec;
    spec.task = SampleTask{kImages, process};
    spec.seed = 8;
    const std::unique_ptr<Method> method = MakeMethod(spec, model_).value();
    while (method->NextQuery().has_value()) {
      const Query query = *method->NextQuery();
      EXPECT_OK(method->Advance({query.x, Predict(query), {}}));
    }
    return method->x().flatten(1).to(at::kDouble);
  }

  // GaussianDenoiser's output for rows of one timestep, in one product.
  at::Tensor Predict(const Query& query) const {
    const double a = model_->schedule.alpha_bar(query.timestep);
    const at::Tensor x = query.x.flatten(1).to(at::kDouble);
    const at::Tensor eps = (x - std::sqrt(a) * denoiser_->PosteriorMean(x, a)) / std::sqrt(1 - a);
    return eps.view(query.x.sizes()).to(at::kFloat);
  }

  // `bias` is the process's own, from its finite number of steps.
  void ExpectPrior(const at::Tensor& images, double bias) {
    const double errors = 4.5 / std::sqrt(double{kImages});
    const at::Tensor mean = images.mean(0);
    const at::Tensor centred = images - mean;
    const at::Tensor covariance = at::matmul(centred.t(), centred) / kImages;
    EXPECT_THAT(mean, IsCloseTo(mean_, 0.7 * errors + bias));
    EXPECT_THAT(covariance, IsCloseTo(covariance_, 0.7 * errors + bias));
  }

  const std::shared_ptr<DiffusionModel> model_ = [] {
    SchedulerConfig config;
    config.clip_sample = false;
    return MakeDiffusionModel({1, 2, 2}, config);
  }();
  const at::Tensor mean_ = at::tensor({0.4, -0.3, 0.0, 0.2}, at::kDouble);
  at::Tensor covariance_;
  std::unique_ptr<GaussianDenoiser> denoiser_;
};

TEST_F(GaussianPriorTest, OneShotDenoisingIsThePosteriorMean) {
  for (const int t : {0, 10, 300, 700, 999}) {
    DenoiseTask task;
    task.images = Normals({6}, 5, {1, 2, 2});
    task.timestep = t;
    TaskSpec spec;
    spec.task = task;
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Method> method, MakeMethod(spec, model_));
    ASSERT_OK(RunMethod(*method, *denoiser_));
    const at::Tensor expected = denoiser_->PosteriorMean(task.images.flatten(1).to(at::kDouble),
                                                         model_->schedule.alpha_bar(t));
    // eps in float32 is off by 1e-7, and counts 1 / sqrt(alpha_bar) times.
    EXPECT_THAT(method->x().flatten(1),
                IsCloseTo(expected, 5e-7 / std::sqrt(model_->schedule.alpha_bar(t))));
  }
}

TEST_F(GaussianPriorTest, OneShotBySigmaIsThePosteriorMeanOfTheScaledImage) {
  DenoiseTask task;
  task.images = Normals({6}, 5, {1, 2, 2});
  task.noise_sigma = model_->schedule.sigma(444);
  TaskSpec spec;
  spec.task = task;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Method> method, MakeMethod(spec, model_));
  ASSERT_OK(RunMethod(*method, *denoiser_));
  // Of y = x_0 + sigma z: m + C (C + sigma^2 I)^{-1} (y - m).
  const double variance = *task.noise_sigma * *task.noise_sigma;
  const at::Tensor gain =
      at::matmul(covariance_, at::inverse(covariance_ + variance * at::eye(4, at::kDouble)));
  const at::Tensor y = task.images.flatten(1).to(at::kDouble);
  EXPECT_THAT(method->x().flatten(1), IsCloseTo(mean_ + at::matmul(y - mean_, gain.t()), 2e-6));
}

TEST_F(GaussianPriorTest, DdpmDrawsThePrior) {
  ReverseProcessSpec process;
  process.variance = Variance::kFixedSmall;
  ExpectPrior(Sample(process), 0.01);
  process.variance = Variance::kFixedLarge;
  ExpectPrior(Sample(process), 0.01);
}

TEST_F(GaussianPriorTest, DdimDrawsThePrior) {
  ReverseProcessSpec process;
  process.kind = ProcessKind::kDdim;
  process.num_steps = 200;
  ExpectPrior(Sample(process), 0.02);
  process.eta = 1;
  process.num_steps = 500;
  ExpectPrior(Sample(process), 0.02);
}

TEST_F(GaussianPriorTest, DpmSolverDrawsThePriorInFewSteps) {
  ReverseProcessSpec process;
  process.kind = ProcessKind::kDpmSolverPp2m;
  process.num_steps = 50;
  process.spacing = Spacing::kTrailing;
  ExpectPrior(Sample(process), 0.03);
}

// Denoising by the process draws from the posterior, not its mean.
TEST_F(GaussianPriorTest, DenoisingByDdpmDrawsThePosterior) {
  const int t = 400;
  DenoiseTask task;
  task.images = at::full({1, 1, 2, 2}, 0.3);
  task.timestep = t;
  task.process.emplace();
  TaskSpec spec;
  spec.task = task;
  spec.samples_per_image = kImages;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Method> method, MakeMethod(spec, model_));
  while (method->NextQuery().has_value()) {
    const Query query = *method->NextQuery();
    ASSERT_OK(method->Advance({query.x, Predict(query), {}}));
  }
  const double a = model_->schedule.alpha_bar(t);
  const at::Tensor posterior =
      at::inverse(at::inverse(covariance_) + a / (1 - a) * at::eye(4, at::kDouble));
  const at::Tensor images = method->x().flatten(1).to(at::kDouble);
  const at::Tensor centred = images - images.mean(0);
  const double errors = 4.5 / std::sqrt(double{kImages});
  EXPECT_THAT(
      images.mean(0),
      IsCloseTo(denoiser_->PosteriorMean(at::full({4}, 0.3, at::kDouble), a), 0.7 * errors + 0.01));
  EXPECT_THAT(at::matmul(centred.t(), centred) / kImages,
              IsCloseTo(posterior, 0.7 * errors + 0.01));
}

}  // namespace
}  // namespace tweedie
