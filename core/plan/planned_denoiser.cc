#include "core/plan/planned_denoiser.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/status_macros.h"

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
    std::shared_ptr<nn::UnetImpl> network, std::shared_ptr<RowPool> pool, const Options& options) {
  ASSIGN_OR_RETURN(auto plan, plan::UnetPlan::Make(network, options.image_size));
  return std::unique_ptr<PlannedDenoiser>(
      new PlannedDenoiser(std::move(plan), std::move(network), std::move(pool), options));
}

PlannedDenoiser::PlannedDenoiser(std::unique_ptr<const plan::UnetPlan> plan,
                                 std::shared_ptr<nn::UnetImpl> network,
                                 std::shared_ptr<RowPool> pool, const Options& options)
    : options_(options),
      plan_(std::move(plan)),
      pool_(std::move(pool)),
      out_channels_(network->out_channels()),
      by_modules_(std::move(network), pool_) {
  for (int i = 0; i < options.num_threads; ++i) {
    runners_.push_back(std::make_unique<plan::RowRunner>(plan_.get()));
  }
}

at::Tensor PlannedDenoiser::Predict(const DenoiserInput& input) {
  const at::NoGradGuard no_grad;
  const int64_t rows = input.x.size(0), threads = options_.num_threads;
  Call call;
  call.x = input.x.detach().contiguous();
  call.output = at::empty({rows, out_channels_, input.x.size(2), input.x.size(3)}, at::kFloat);
  for (int64_t row = 0; row < rows; ++row) {
    std::optional<int64_t> label;
    if (input.class_labels.defined()) label = input.class_labels[row].item<int64_t>();
    call.times.push_back(plan_->time_vectors().Get(input.t[row].item<int64_t>(), label));
  }
  const int64_t alone = rows / threads * threads, rest = rows - alone;
  if (alone > 0) RunRows(call, 0, alone, 1);
  if (rest > 0) RunRows(call, alone, rest, static_cast<int>(threads / rest));
  return call.output;
}

void PlannedDenoiser::RunRows(const Call& call, int64_t first, int64_t count, int team) {
  // Rows that are worked on at once have runners of their own: a worker takes the next
  // only when it has done one, and of a team's row there is one a runner.
  const int64_t runners = static_cast<int64_t>(runners_.size());
  if (team == 1) {
    pool_->Run(std::min(count, runners), [&](int64_t worker) {
      for (int64_t row = worker; row < count; row += runners) {
        runners_[worker]->Begin(call.RowAt(first + row));
        runners_[worker]->Run({0, 1});
      }
    });
    return;
  }
  for (int64_t row = 0; row < count; ++row) runners_[row]->Begin(call.RowAt(first + row));
  pool_->Run(count * team, [&](int64_t item) {
    runners_[item / team]->Run({static_cast<int>(item % team), team});
  });
}

Differentiated PlannedDenoiser::PredictWithGradient(const DenoiserInput& input,
                                                    const RowLoss& loss) {
  return by_modules_.PredictWithGradient(input, loss);
}

}  // namespace tweedie
