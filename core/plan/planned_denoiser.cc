#include "core/plan/planned_denoiser.h"

#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/diffusion/differentiate.h"
#include "core/plan/rows_together.h"

namespace tweedie {

struct PlannedDenoiser::Rows {
  at::Tensor x, output;  // contiguous
  at::Tensor gradient;   // likewise, of the loss by x through the output; undefined: not wanted
  std::vector<plan::TimeVectors::Vector> times;

  int64_t count() const { return x.size(0); }
  plan::Row At(int64_t row) const {
    plan::Row at{.x = x.const_data_ptr<float>() + row * x.stride(0),
                 .time = times[row]->data(),
                 .out = output.mutable_data_ptr<float>() + row * output.stride(0)};
    if (gradient.defined()) at.x_gradient = gradient.mutable_data_ptr<float>() + row * x.stride(0);
    return at;
  }
};

absl::StatusOr<std::unique_ptr<PlannedDenoiser>> PlannedDenoiser::Make(
    std::shared_ptr<nn::UnetImpl> network, std::shared_ptr<RowPool> pool,
    const std::array<int64_t, 2>& image_size, const Options& options) {
  const bool rounds = options.precision == Precision::kBfloat16;
  if (!rounds && options.precision != Precision::kFloat32) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are no plans of ", PrecisionName(options.precision)));
  }
  ASSIGN_OR_RETURN(auto plan,
                   plan::UnetPlan::Make(network, image_size,
                                        rounds ? plan::Type::kBfloat16 : plan::Type::kFloat32));
  return std::unique_ptr<PlannedDenoiser>(new PlannedDenoiser(
      std::move(plan), std::move(network), std::move(pool), image_size, options));
}

PlannedDenoiser::PlannedDenoiser(std::shared_ptr<const plan::UnetPlan> plan,
                                 std::shared_ptr<nn::UnetImpl> network,
                                 std::shared_ptr<RowPool> pool,
                                 const std::array<int64_t, 2>& image_size, const Options& options)
    : image_size_(image_size),
      options_(options),
      plan_(std::move(plan)),
      pool_(std::move(pool)),
      in_channels_(network->config().in_channels),
      out_channels_(network->out_channels()),
      by_modules_(std::move(network), pool_, options.precision),
      runner_(MakeRunner(plan_)) {}

plan::PlanRunner PlannedDenoiser::MakeRunner(std::shared_ptr<const plan::UnetPlan> plan) const {
  const int together = options_.rows_together.value_or(
      plan::RowsTogether(plan->weight_bytes(), plan->arena_bytes()));
  return plan::PlanRunner(std::move(plan), pool_, together);
}

plan::PlanRunner& PlannedDenoiser::GradientRunner() {
  if (!gradient_runner_) {
    absl::StatusOr<std::shared_ptr<const plan::UnetPlan>> plan =
        plan::UnetPlan::MakeWithGradients(*plan_);
    TORCH_CHECK(plan.ok(), std::string(plan.status().message()));
    gradient_runner_.emplace(MakeRunner(*std::move(plan)));
  }
  return *gradient_runner_;
}

PlannedDenoiser::Rows PlannedDenoiser::MakeRows(const DenoiserInput& input) const {
  Rows rows;
  rows.x = input.x.detach().contiguous();
  rows.output =
      at::empty({rows.count(), out_channels_, input.x.size(2), input.x.size(3)}, at::kFloat);
  for (int64_t row = 0; row < rows.count(); ++row) {
    std::optional<int64_t> label;
    if (input.class_labels.defined()) label = input.class_labels[row].item<int64_t>();
    rows.times.push_back(plan_->time_vectors().Get(input.t[row].item<int64_t>(), label));
  }
  return rows;
}

void PlannedDenoiser::Check(const DenoiserInput& input) const {
  TORCH_CHECK(input.x.dim() == 4 && input.x.device().is_cpu() &&
                  input.x.scalar_type() == at::kFloat && input.x.size(1) == in_channels_ &&
                  input.x.size(2) == image_size_[0] && input.x.size(3) == image_size_[1] &&
                  input.t.dim() == 1 && input.t.size(0) == input.x.size(0),
              "the plan is for float32 images ", in_channels_, " x ", image_size_[0], " x ",
              image_size_[1], " on the CPU; x is ", input.x.sizes(), ", t is ", input.t.sizes());
}

at::Tensor PlannedDenoiser::Predict(const DenoiserInput& input) {
  Check(input);
  const at::NoGradGuard no_grad;
  const Rows rows = MakeRows(input);
  runner_.Run({.num_rows = rows.count(), .row_at = [&](int64_t row) { return rows.At(row); }});
  return rows.output;
}

Differentiated PlannedDenoiser::PredictWithGradient(const DenoiserInput& input,
                                                    const RowLoss& loss) {
  if (options_.precision != Precision::kFloat32) {
    return by_modules_.PredictWithGradient(input, loss);
  }
  Check(input);
  const at::NoGradGuard no_grad;
  Rows rows = MakeRows(input);
  rows.gradient = at::empty_like(rows.x);
  std::vector<LossGradients> gradients(rows.count());
  const auto differentiate = [&](int64_t row) {
    gradients[row] =
        DifferentiateLoss(rows.x.narrow(0, row, 1), rows.output.narrow(0, row, 1), row, loss);
    return gradients[row].prediction.const_data_ptr<float>();
  };
  GradientRunner().Run({.num_rows = rows.count(),
                        .row_at = [&](int64_t row) { return rows.At(row); },
                        .out_gradient = differentiate});
  for (int64_t row = 0; row < rows.count(); ++row) rows.gradient[row].add_(gradients[row].x[0]);
  return {rows.output, rows.gradient};
}

}  // namespace tweedie
