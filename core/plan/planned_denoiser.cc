#include "core/plan/planned_denoiser.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "core/base/status_macros.h"
#include "core/plan/rows_together.h"

namespace tweedie {
struct PlannedDenoiser::Call {
  at::Tensor x, output;  // contiguous
  std::vector<plan::TimeVectors::Vector> times;

  plan::Row RowAt(int64_t row) const {
    return {.x = x.const_data_ptr<float>() + row * x.stride(0),
            .time = times[row]->data(),
            .out = output.mutable_data_ptr<float>() + row * output.stride(0)};
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

PlannedDenoiser::PlannedDenoiser(std::unique_ptr<const plan::UnetPlan> plan,
                                 std::shared_ptr<nn::UnetImpl> network,
                                 std::shared_ptr<RowPool> pool,
                                 const std::array<int64_t, 2>& image_size, const Options& options)
    : image_size_(image_size),
      rows_together_(options.rows_together.value_or(
          plan::RowsTogether(plan->weight_bytes(), plan->arena_bytes()))),
      plan_(std::move(plan)),
      pool_(std::move(pool)),
      in_channels_(network->config().in_channels),
      out_channels_(network->out_channels()),
      by_modules_(std::move(network), pool_, options.precision) {
  runners_.resize(pool_->num_threads() * rows_together_);
}

void PlannedDenoiser::Begin(int64_t runner, const plan::Row& row) {
  std::unique_ptr<plan::RowRunner>& own = runners_[runner];
  if (own == nullptr) {
    own = std::make_unique<plan::RowRunner>(plan_->ops(), plan_->arena_floats());
  }
  own->Begin(row);
}

PlannedDenoiser::Call PlannedDenoiser::MakeCall(const DenoiserInput& input) const {
  const int64_t rows = input.x.size(0);
  Call call;
  call.x = input.x.detach().contiguous();
  call.output = at::empty({rows, out_channels_, input.x.size(2), input.x.size(3)}, at::kFloat);
  for (int64_t row = 0; row < rows; ++row) {
    std::optional<int64_t> label;
    if (input.class_labels.defined()) label = input.class_labels[row].item<int64_t>();
    call.times.push_back(plan_->time_vectors().Get(input.t[row].item<int64_t>(), label));
  }
  return call;
}

at::Tensor PlannedDenoiser::Predict(const DenoiserInput& input) {
  Check(input);
  const at::NoGradGuard no_grad;
  const Call call = MakeCall(input);
  const int64_t rows = input.x.size(0), threads = pool_->num_threads();
  const int64_t rest = rows % threads;
  if (rows > rest) RunAlone(call, 0, rows - rest);
  if (rest > 0) RunRest(call, rows - rest, rest);
  return call.output;
}

void PlannedDenoiser::Check(const DenoiserInput& input) const {
  TORCH_CHECK(input.x.dim() == 4 && input.x.device().is_cpu() &&
                  input.x.scalar_type() == at::kFloat && input.x.size(1) == in_channels_ &&
                  input.x.size(2) == image_size_[0] && input.x.size(3) == image_size_[1] &&
                  input.t.dim() == 1 && input.t.size(0) == input.x.size(0),
              "the plan is for float32 images ", in_channels_, " x ", image_size_[0], " x ",
              image_size_[1], " on the CPU; x is ", input.x.sizes(), ", t is ", input.t.sizes());
}

void PlannedDenoiser::RunAlone(const Call& call, int64_t first, int64_t count) {
  const int workers = static_cast<int>(std::min<int64_t>(count, pool_->num_threads()));
  pool_->Run(workers, [&](int64_t worker) {
    const plan::Part share{static_cast<int>(worker), workers};
    const int64_t begin = share.Begin(count);
    RunByOneThread(call, first + begin, share.End(count) - begin, worker * rows_together_);
  });
}

void PlannedDenoiser::RunByOneThread(const Call& call, int64_t first, int64_t count,
                                     int64_t runner) {
  const int groups = static_cast<int>((count + rows_together_ - 1) / rows_together_);
  for (int i = 0; i < groups; ++i) {
    const plan::Part group{i, groups};
    const int64_t begin = group.Begin(count), rows = group.End(count) - begin;
    for (int64_t row = 0; row < rows; ++row) {
      Begin(runner + row, call.RowAt(first + begin + row));
    }
    plan::RowRunner::RunTogether(absl::MakeConstSpan(runners_).subspan(runner, rows));
  }
}

void PlannedDenoiser::RunInTeams(const Call& call, int64_t first, int64_t count) {
  const int team = static_cast<int>(pool_->num_threads() / count);
  for (int64_t row = 0; row < count; ++row) Begin(row, call.RowAt(first + row));
  // No more items than threads, so that none waits for one that nobody has taken.
  pool_->Run(count * team, [&](int64_t item) {
    runners_[item / team]->Run({static_cast<int>(item % team), team});
  });
}

void PlannedDenoiser::RunRest(const Call& call, int64_t first, int64_t count) {
  if (2 * count > pool_->num_threads()) return RunAlone(call, first, count);
  const bool team = team_choice_.UseTeam();
  const absl::Time begin = absl::Now();
  team ? RunInTeams(call, first, count) : RunAlone(call, first, count);
  team_choice_.Took(team, absl::Now() - begin);
}

Differentiated PlannedDenoiser::PredictWithGradient(const DenoiserInput& input,
                                                    const RowLoss& loss) {
  return by_modules_.PredictWithGradient(input, loss);
}

}  // namespace tweedie
