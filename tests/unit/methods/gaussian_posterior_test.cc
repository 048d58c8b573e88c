#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "core/methods/ald.h"
#include "core/methods/make_method.h"
#include "core/methods/pigdm.h"
#include "core/methods/reverse_loop.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/gaussian_denoiser.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/run_method.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr ImageShape3 kShape = {1, 4, 4};
constexpr int64_t kSize = 16;
constexpr int kRows = 100;

struct Gaussian {
  at::Tensor mean;        // [d], float64
  at::Tensor covariance;  // [d, d]
};

struct OperatorCase {
  std::string name;
  OperatorSpec A;
  double likelihood_scale = 1;  // of ALD: 1 / ||A||^2 where that is above 1
};

std::vector<OperatorCase> OperatorCases() {
  const at::Tensor mask = at::arange(kSize).remainder(3).ne(0).to(at::kFloat).view({4, 4});
  return {{"Inpainting", Masked(mask)}, {"Blur", SkewBlur()}, {"SuperResolution", BlockMeans(), 4}};
}

ReverseProcessSpec Steps(int num_steps) {
  ReverseProcessSpec process;
  process.num_steps = num_steps;
  return process;
}

// Against N(m, C) over images of 1x4x4, whose posterior given a measurement is
// known exactly (methods.md, section 12).
class GaussianPosteriorTest : public testing::TestWithParam<OperatorCase> {
 protected:
  GaussianPosteriorTest() {
    const at::Tensor i = at::arange(kSize, at::kDouble);
    const at::Tensor row = i.div(4, "floor");
    const at::Tensor column = i.remainder(4);
    const auto apart = [](const at::Tensor& v) {
      return (v.view({-1, 1}) - v.view({1, -1})).pow(2);
    };
    prior_.covariance =
        0.3 * at::exp(-(apart(row) + apart(column)) / 3) + 0.02 * at::eye(kSize, at::kDouble);
    prior_.mean = 0.5 * at::sin(i);
    UsePrior(prior_);
  }

  void UsePrior(const Gaussian& prior) {
    prior_ = prior;
    denoiser_ = std::make_unique<GaussianDenoiser>(model_->schedule, prior.mean, prior.covariance);
  }

  // One image of the prior, measured.
  MeasurementSpec Measured(double sigma) const {
    const at::Tensor root = at::linalg_cholesky(prior_.covariance);
    const at::Tensor z = Normals({77}, 1, kShape).flatten().to(at::kDouble);
    const at::Tensor image = (prior_.mean + at::matmul(root, z)).to(at::kFloat);
    return Simulated(GetParam().A, image.view({1, 1, 4, 4}), sigma);
  }

  ReddiffTask ReddiffOf(double prior_weight, double data_weight) const {
    return {Measured(0.1), Steps(500), 0.02, prior_weight, data_weight};
  }

  TaskSpec Spec(Task task, int rows) const {
    TaskSpec spec;
    spec.task = std::move(task);
    spec.seed = 5;
    spec.samples_per_image = rows;
    return spec;
  }

  // A as a matrix.
  at::Tensor MatrixOf(const Operator& A) const {
    return A.Forward(at::eye(kSize, at::kDouble).view({kSize, 1, 4, 4})).flatten(1).t();
  }

  Gaussian Posterior(const TaskSpec& spec) const {
    const Measurement measurement = *MakeMeasurement(spec, *model_).value();
    const at::Tensor A = MatrixOf(*measurement.A);
    const at::Tensor y = measurement.y.flatten().to(at::kDouble);
    const double variance = measurement.sigma[0] * measurement.sigma[0] + 1e-9;
    const at::Tensor gain =
        at::matmul(at::matmul(prior_.covariance, A.t()),
                   at::inverse(at::matmul(A, at::matmul(prior_.covariance, A.t())) +
                               variance * at::eye(A.size(0), at::kDouble)));
    return {prior_.mean + at::matmul(gain, y - at::matmul(A, prior_.mean)),
            prior_.covariance - at::matmul(gain, at::matmul(A, prior_.covariance))};
  }

  // GaussianDenoiser's output for rows of one timestep, in one product.
  at::Tensor Predict(const at::Tensor& x, int timestep) const {
    const double a = model_->schedule.alpha_bar(timestep);
    const at::Tensor rows = x.flatten(1).to(at::kDouble);
    const at::Tensor eps =
        (rows - std::sqrt(a) * denoiser_->PosteriorMean(rows, a)) / std::sqrt(1 - a);
    return eps.view(x.sizes()).to(at::kFloat);
  }

  // All rows in one call.
  absl::Status Step(Method& method) const {
    const Query query = *method.NextQuery();
    if (!query.needs_gradient)
      return method.Advance({query.x, Predict(query.x, query.timestep), {}});
    const at::Tensor x = query.x.clone().requires_grad_();
    const at::Tensor prediction = Predict(x, query.timestep);
    const at::Tensor loss = method.GuidanceLoss({0, x, prediction}).sum();
    return method.Advance({query.x, prediction.detach(), torch::autograd::grad({loss}, {x})[0]});
  }

  // The results [rows, d], float64.
  at::Tensor Run(const TaskSpec& spec) const {
    const std::unique_ptr<Method> method = MakeMethod(spec, model_).value();
    while (method->NextQuery().has_value()) EXPECT_OK(Step(*method));
    return method->x().flatten(1).to(at::kDouble);
  }

  // How far the mean of the results is from the posterior's, as a part of how
  // far the prior's is.
  double Bias(const TaskSpec& spec) const {
    const Gaussian posterior = Posterior(spec);
    const at::Tensor mean = Run(spec).mean(0);
    const double bias = (mean - posterior.mean).norm().item<double>() /
                        (prior_.mean - posterior.mean).norm().item<double>();
    RecordProperty("bias", std::to_string(bias));
    return bias;
  }

  // The largest error of A x = y.
  double Misfit(const TaskSpec& spec) const {
    const auto measurement = MakeMeasurement(spec, *model_).value();
    const at::Tensor x = Run(spec).view({-1, 1, 4, 4});
    return (measurement->A->Forward(x) - measurement->y).abs().max().item<double>();
  }

  const std::shared_ptr<DiffusionModel> model_ = [] {
    SchedulerConfig config;
    config.clip_sample = false;
    return MakeDiffusionModel(kShape, config);
  }();
  Gaussian prior_;
  std::unique_ptr<GaussianDenoiser> denoiser_;
};

// With C = I, x_0 given x_t has the covariance r_t^2 I that PiGDM supposes, so
// that g / r_t^2 is the score of y given x_t: of N(A x0_hat, r_t^2 A A^T + sigma^2 I).
TEST_P(GaussianPosteriorTest, PigdmGuidanceIsExactForUnitCovariance) {
  UsePrior({prior_.mean, at::eye(kSize, at::kDouble)});
  const double sigma = 0.3;
  const TaskSpec spec = Spec(TaskFor<PigdmTask>(Measured(sigma)), 3);
  const auto measurement = MakeMeasurement(spec, *model_).value();
  const int t = 400;
  const double a = model_->schedule.alpha_bar(t);
  ReverseLoop::Options options;
  options.model = model_;
  options.path = {t, -1};
  options.rule = std::make_unique<Pigdm>(RowsOf({*model_, measurement, 1, 3}), 0);
  options.x = Normals({8}, 3, kShape);
  const ReverseLoop loop(std::move(options));
  const at::Tensor x = loop.x().clone().requires_grad_();
  const at::Tensor loss = loop.GuidanceLoss({0, x, Predict(x, t)}).sum();
  const at::Tensor g = torch::autograd::grad({loss}, {x})[0].flatten(1).to(at::kDouble);
  const at::Tensor A = MatrixOf(*measurement->A);
  const at::Tensor x0_hat = denoiser_->PosteriorMean(loop.x().flatten(1), a);
  const at::Tensor residual = measurement->y.flatten(1).to(at::kDouble) - at::matmul(x0_hat, A.t());
  const at::Tensor covariance =
      (1 - a) * at::matmul(A, A.t()) + sigma * sigma * at::eye(A.size(0), at::kDouble);
  const at::Tensor score =
      std::sqrt(a) * at::matmul(at::matmul(residual, at::inverse(covariance)), A);
  EXPECT_THAT(g / (1 - a), IsCloseTo(score, 1e-5));
}

TEST_P(GaussianPosteriorTest, WithoutNoiseDdnmEndsAtTheMeasurement) {
  EXPECT_LT(Misfit(Spec(TaskFor<DdnmTask>(Measured(0), Steps(20)), 5)), 1e-5);
}

TEST_P(GaussianPosteriorTest, WithoutNoiseDdrmEndsAtTheMeasurement) {
  EXPECT_LT(Misfit(Spec(TaskFor<DdrmTask>(Measured(0)), 5)), 1e-5);
}

// The methods below are approximations; each bound is what it keeps to here, and
// some 20 % more.

TEST_P(GaussianPosteriorTest, DpsIsNearThePosteriorMean) {
  EXPECT_LT(Bias(Spec(DpsTask{Measured(0.1), Steps(200), 0.1, DpsObjective::kNorm}, kRows)), 0.29);
}

TEST_P(GaussianPosteriorTest, DpsOfTheSquaredNormIsNearThePosteriorMean) {
  const DpsTask task = {Measured(0.1), Steps(200), 0.3, DpsObjective::kSquaredNorm};
  EXPECT_LT(Bias(Spec(task, kRows)), 0.2);
}

TEST_P(GaussianPosteriorTest, AncestralAldIsNearThePosteriorMean) {
  AldTask task = TaskFor<AldTask>(Measured(0.1), Steps(200));
  task.likelihood_scale = GetParam().likelihood_scale;
  EXPECT_LT(Bias(Spec(task, kRows)), 0.35);
}

TEST_P(GaussianPosteriorTest, LangevinAldIsNearThePosteriorMean) {
  AldTask task = LangevinFor(Measured(0.1), Steps(100));
  task.likelihood_scale = GetParam().likelihood_scale;
  EXPECT_LT(Bias(Spec(task, kRows)), 0.37);
}

TEST_P(GaussianPosteriorTest, PigdmIsNearThePosteriorMean) {
  EXPECT_LT(Bias(Spec(TaskFor<PigdmTask>(Measured(0.1)), kRows)), 0.31);
}

TEST_P(GaussianPosteriorTest, DdnmPlusIsNearThePosteriorMean) {
  EXPECT_LT(Bias(Spec(TaskFor<DdnmTask>(Measured(0.1)), kRows)), 0.2);
}

TEST_P(GaussianPosteriorTest, DdrmIsNearThePosteriorMean) {
  EXPECT_LT(Bias(Spec(TaskFor<DdrmTask>(Measured(0.1), Steps(100)), kRows)), 0.2);
}

TEST_P(GaussianPosteriorTest, DiffpirIsNearThePosteriorMean) {
  EXPECT_LT(Bias(Spec(DiffpirTask{Measured(0.1), Steps(100), 1, 0.5}, kRows)), 0.24);
}

TEST_P(GaussianPosteriorTest, ReddiffIsNearThePosteriorMean) {
  EXPECT_LT(Bias(Spec(ReddiffOf(0.25, 1), 50)), 0.29);
}

TEST_P(GaussianPosteriorTest, ReddiffWithoutDataGoesToThePrior) {
  const TaskSpec spec = Spec(ReddiffOf(1, 0), 20);
  EXPECT_THAT(Run(spec).mean(0), IsCloseTo(prior_.mean, 0.1));
}

TEST_P(GaussianPosteriorTest, ReddiffWithoutPriorFitsTheMeasurement) {
  EXPECT_LT(Misfit(Spec(ReddiffOf(0, 1), 2)), 0.02);
}

INSTANTIATE_TEST_SUITE_P(Operators, GaussianPosteriorTest, testing::ValuesIn(OperatorCases()),
                         [](const auto& param) { return param.param.name; });

class InpaintingPosteriorTest : public GaussianPosteriorTest {};

TEST_P(InpaintingPosteriorTest, RepaintDrawsThePosterior) {
  const TaskSpec spec = Spec(RepaintTask{Measured(0), Steps(100), 5, 8}, 400);
  EXPECT_LT(Bias(spec), 0.15);
  EXPECT_EQ(Misfit(spec), 0);
}

// At one level the chain x <- x - a Lambda (x - mu) + sqrt(2 a) z has the mean mu
// and the covariance (Lambda (I - a Lambda / 2))^-1.
TEST_P(InpaintingPosteriorTest, LangevinHasTheStationaryMeanAndCovariance) {
  constexpr int kChains = 4000;
  const double sigma = 0.3, gamma_scale = 0.7, scale = 0.8, step_size = 0.3;
  const int t = 300;
  const double squared_sigma = (1 - model_->schedule.alpha_bar(t)) / model_->schedule.alpha_bar(t);
  const auto measurement =
      MakeMeasurement(Spec(TaskFor<DpsTask>(Measured(sigma)), 1), *model_).value();
  ReverseLoop::Options options;
  options.model = model_;
  options.path = LevelPath(150, t);
  options.path.push_back(-1);
  options.rule = std::make_unique<LangevinAld>(
      AnnealedLikelihood(RowsOf({*model_, measurement, 5, kChains}), gamma_scale, scale),
      step_size);
  options.x = at::zeros({kChains, 1, 4, 4});
  options.seed = 5;
  ReverseLoop loop(std::move(options));
  while (loop.progress().step + 1 < loop.progress().num_steps) ASSERT_OK(Step(loop));
  const at::Tensor u =
      loop.x().flatten(1).to(at::kDouble) / std::sqrt(model_->schedule.alpha_bar(t));

  const at::Tensor identity = at::eye(kSize, at::kDouble);
  const at::Tensor A = MatrixOf(*measurement->A);
  const double weight = scale / (sigma * sigma + gamma_scale * gamma_scale * squared_sigma);
  const at::Tensor prior = at::inverse(prior_.covariance + squared_sigma * identity);
  const at::Tensor lambda = prior + weight * at::matmul(A.t(), A);
  const at::Tensor y = measurement->y.flatten().to(at::kDouble);
  const at::Tensor mean = at::matmul(
      at::inverse(lambda), at::matmul(prior, prior_.mean) + weight * at::matmul(A.t(), y));
  const double a = step_size * squared_sigma;
  const at::Tensor covariance = at::inverse(at::matmul(lambda, identity - 0.5 * a * lambda));
  const double errors = 4.5 / std::sqrt(double{kChains});
  const at::Tensor centred = u - u.mean(0);
  EXPECT_THAT(u.mean(0), IsCloseTo(mean, errors));
  EXPECT_THAT(at::matmul(centred.t(), centred) / kChains, IsCloseTo(covariance, 1.5 * errors));
}

// x_t of the guide has the mean sqrt(alpha_bar) guide, and ancestral sampling
// draws from the posterior of that.
TEST_P(InpaintingPosteriorTest, SdeditDrawsThePosteriorOfTheNoisedGuide) {
  SdeditTask task;
  task.guide = at::linspace(-1, 1, kSize, at::kFloat).view({1, 1, 4, 4});
  task.strength = 0.3;
  const at::Tensor images = Run(Spec(task, 4000));
  const double a = model_->schedule.alpha_bar(299);
  const at::Tensor expected = denoiser_->PosteriorMean(std::sqrt(a) * task.guide.flatten(), a);
  EXPECT_THAT(images.mean(0), IsCloseTo(expected, 0.05));
}

INSTANTIATE_TEST_SUITE_P(Operators, InpaintingPosteriorTest,
                         testing::Values(OperatorCases().front()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace tweedie
