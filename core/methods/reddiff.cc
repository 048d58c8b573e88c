#include "core/methods/reddiff.h"

#include <ATen/ATen.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/methods/estimate.h"
#include "core/methods/failure.h"
#include "core/methods/method_needs.h"
#include "core/methods/noising.h"
#include "core/methods/number_fields.h"
#include "core/methods/reverse_process.h"
#include "core/methods/saved_state.h"
#include "core/methods/task_process.h"
#include "core/noise/noise.h"
#include "core/operators/solve.h"

namespace tweedie {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.99;
constexpr double kEpsilon = 1e-8;

// Of ||A||^2: the least rho of the start.
constexpr double kLeastRho = 1e-4;

constexpr char kMu[] = "mu";
constexpr char kX0Hat[] = "x0_hat";
constexpr char kMean[] = "adam_mean";
constexpr char kSquare[] = "adam_square";

// 1 - beta^k, by multiplications alone: std::pow's last bit is the library's own.
double Correction(double beta, size_t k) {
  double power = 1;
  for (size_t i = 0; i < k; ++i) power *= beta;
  return 1 - power;
}

at::Tensor Blend(const at::Tensor& moment, const at::Tensor& fresh, double beta) {
  return moment.mul(beta).add(fresh.mul(1 - beta));
}

double ImageSize(const at::Tensor& rows) {
  return static_cast<double>(rows.numel()) / static_cast<double>(rows.size(0));
}

// The values of one y that are measured.
double NumMeasured(const Operator& A) {
  const at::Tensor measured = A.measured();
  const std::vector<int64_t> shape = A.output_shape();
  if (!measured.defined()) return static_cast<double>(c10::multiply_integers(shape));
  return measured.expand(shape).sum().item<double>();
}

}  // namespace

Reddiff::Reddiff(Options options)
    : options_(std::move(options)),
      num_measured_(NumMeasured(*options_.rows.A)),
      mu_(options_.mu),
      x0_hat_(options_.mu),
      mean_(at::zeros_like(options_.mu)),
      square_(at::zeros_like(options_.mu)) {
  DrawNext();
}

absl::StatusOr<std::unique_ptr<Reddiff>> Reddiff::Restore(Options options,
                                                          const MethodState& saved) {
  auto method = std::make_unique<Reddiff>(std::move(options));
  ASSIGN_OR_RETURN(method->step_, SavedStep(saved, method->options_.timesteps.size()));
  ASSIGN_OR_RETURN(method->mu_, SavedTensor(saved, kMu, method->options_.mu));
  ASSIGN_OR_RETURN(method->x0_hat_, SavedTensor(saved, kX0Hat, method->options_.mu));
  ASSIGN_OR_RETURN(method->mean_, SavedTensor(saved, kMean, method->options_.mu));
  ASSIGN_OR_RETURN(method->square_, SavedTensor(saved, kSquare, method->options_.mu));
  method->DrawNext();
  return method;
}

double Reddiff::alpha_bar() const {
  return options_.model->schedule.alpha_bar(options_.timesteps[step_]);
}

void Reddiff::DrawNext() {
  z_ = x_t_ = at::Tensor();
  if (finished()) return;
  NoiseKey key;
  key.seed = options_.seed;
  key.step = static_cast<uint32_t>(step_);
  key.purpose = NoisePurpose::kStep;
  z_ = Normals(key, mu_.size(0), mu_.sizes().slice(1));
  x_t_ = Noised(mu_, alpha_bar(), z_);
}

std::optional<Query> Reddiff::NextQuery() const {
  if (finished()) return std::nullopt;
  return Query{x_t_, options_.class_labels, options_.timesteps[step_]};
}

at::Tensor Reddiff::Gradient(const at::Tensor& eps) const {
  const double sigma_t = std::sqrt((1 - alpha_bar()) / alpha_bar());
  const double prior = options_.prior_weight * sigma_t / ImageSize(mu_);
  const double data = options_.data_weight / num_measured_;
  return eps.sub(z_).mul(prior).add(ResidualGradient(options_.rows, mu_).mul(data));
}

absl::Status Reddiff::Advance(const Evaluation& e) {
  if (finished()) return absl::InternalError("the process has ended");
  const int t = options_.timesteps[step_];
  RETURN_IF_ERROR(CheckPrediction(*options_.model, e.prediction, mu_, t));
  const Estimate estimate =
      MakeEstimate(*options_.model, options_.clipping, e.prediction, x_t_, alpha_bar());
  const at::Tensor gradient = Gradient(estimate.eps);
  at::Tensor mean = Blend(mean_, gradient, kBeta1);
  at::Tensor square = Blend(square_, gradient.mul(gradient), kBeta2);
  const at::Tensor scale = square.mul(1 / Correction(kBeta2, step_ + 1)).sqrt().add(kEpsilon);
  const double rate = options_.learning_rate / Correction(kBeta1, step_ + 1);
  at::Tensor mu = mu_.sub(mean.mul(rate).div(scale));
  if (!AllFinite(mu) || !AllFinite(square)) {
    return Diverged(absl::StrCat("mu is not finite after the step at timestep ", t));
  }
  mu_ = std::move(mu);
  mean_ = std::move(mean);
  square_ = std::move(square);
  x0_hat_ = estimate.x0_hat.contiguous();
  ++step_;
  DrawNext();
  return absl::OkStatus();
}

MethodProgress Reddiff::progress() const {
  MethodProgress progress;
  progress.step = static_cast<int>(step_);
  progress.num_steps = static_cast<int>(options_.timesteps.size());
  progress.timestep = options_.timesteps[std::max<size_t>(step_, 1) - 1];
  return progress;
}

MethodState Reddiff::Save() const {
  return {static_cast<int64_t>(step_),
          {{kMu, mu_}, {kX0Hat, x0_hat_}, {kMean, mean_}, {kSquare, square_}}};
}

absl::StatusOr<ReddiffTask> Resolve(const ReddiffTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(
      CheckServes("reddiff", task.measurement, *context.measurement, model.image_shape));
  RETURN_IF_ERROR(CheckSignal(model));
  ReddiffTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process, ResolveLevelsField(task.process, model));
  resolved.learning_rate = task.learning_rate.value_or(0.1);
  RETURN_IF_ERROR(CheckAboveZero("learning_rate", *resolved.learning_rate));
  resolved.prior_weight = task.prior_weight.value_or(0.25);
  RETURN_IF_ERROR(CheckAtLeastZero("prior_weight", *resolved.prior_weight));
  resolved.data_weight = task.data_weight.value_or(1);
  RETURN_IF_ERROR(CheckAtLeastZero("data_weight", *resolved.data_weight));
  return resolved;
}

absl::StatusOr<Reddiff::Options> OptionsOf(const ReddiffTask& task, const TaskContext& context,
                                           std::shared_ptr<const DiffusionModel> model,
                                           bool restored) {
  ASSIGN_OR_RETURN(ResolvedProcess levels, ResolveLevels(task.process, *model));
  Reddiff::Options options;
  options.timesteps = std::move(levels.timesteps);
  options.clipping = MakeClipping(model->scheduler, *levels.spec.clip_x0);
  options.model = std::move(model);
  options.rows = RowsOf(context);
  options.learning_rate = *task.learning_rate;
  options.prior_weight = *task.prior_weight;
  options.data_weight = *task.data_weight;
  options.seed = context.seed;
  if (restored) {
    const auto [channels, height, width] = context.model.image_shape;
    options.mu = at::zeros({context.num_rows(), channels, height, width}, at::kFloat);
  } else {
    options.mu = ReddiffStart(context);
  }
  return options;
}

at::Tensor ReddiffStart(const TaskContext& context) {
  const Measurement& measurement = *context.measurement;
  const LinearOperator* const A = measurement.A->linear();
  if (A == nullptr) return InitialNoise(context, context.num_rows());
  const double norm = Norm(*A, context.model.image_shape);
  std::vector<double> rho;
  for (const double sigma : measurement.sigma) {
    rho.push_back(std::max(sigma * sigma, kLeastRho * norm * norm));
  }
  return Proximal(*A, measurement.y, at::Tensor(),
                  at::tensor(at::ArrayRef<double>(rho), at::kDouble))
      .repeat_interleave(context.samples_per_image, 0)
      .contiguous();
}

}  // namespace tweedie
