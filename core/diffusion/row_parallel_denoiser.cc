#include "core/diffusion/row_parallel_denoiser.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <utility>

#include "core/diffusion/differentiate.h"
#include "core/nn/network.h"

namespace tweedie {

RowParallelDenoiser::RowParallelDenoiser(std::shared_ptr<nn::Network> network, int num_threads)
    : network_(std::move(network)) {
  TORCH_CHECK(num_threads >= 1, "num_threads must be at least 1; was ", num_threads);
  workers_.reserve(static_cast<size_t>(num_threads));
  for (int i = 0; i < num_threads; ++i) workers_.emplace_back([this] { Work(); });
}

RowParallelDenoiser::~RowParallelDenoiser() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& worker : workers_) worker.join();
}

at::Tensor RowParallelDenoiser::Predict(const DenoiserInput& input) {
  return Run(input, nullptr).prediction;
}

Differentiated RowParallelDenoiser::PredictWithGradient(const DenoiserInput& input,
                                                        const RowLoss& loss) {
  return Run(input, &loss);
}

Differentiated RowParallelDenoiser::Run(const DenoiserInput& input, const RowLoss* loss) {
  TORCH_CHECK(input.x.dim() == 4 && input.x.device().is_cpu() && input.t.dim() == 1 &&
                  input.t.size(0) == input.x.size(0),
              "strict mode wants x [B, C, H, W] and t [B] on the CPU; x is ", input.x.sizes(),
              ", t is ", input.t.sizes());
  const at::NoGradGuard no_grad;
  Call call;
  call.input = {input.x.detach(), input.t, input.class_labels};
  call.num_rows = input.x.size(0);
  call.output = at::empty(
      {call.num_rows, network_->out_channels(), input.x.size(2), input.x.size(3)}, at::kFloat);
  call.loss = loss;
  if (loss != nullptr) call.gradient = at::empty(input.x.sizes(), at::kFloat);
  absl::MutexLock lock(&mu_);
  call_ = std::move(call);
  mu_.Await(absl::Condition(this, &RowParallelDenoiser::IsDone));
  const Call done = std::exchange(call_, Call());
  if (done.error) std::rethrow_exception(done.error);
  return {done.output, done.gradient};
}

void RowParallelDenoiser::Work() {
  at::set_num_threads(1);
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(this, &RowParallelDenoiser::HasWork));
    if (stopping_) return;
    const int64_t row = call_.next_row++;
    Call call = call_;
    std::exception_ptr error;
    mu_.Unlock();
    try {
      EvaluateRow(call, row);
    } catch (...) {
      error = std::current_exception();
    }
    call = {};
    mu_.Lock();
    if (error && (!call_.error || row < call_.failed_row)) {
      call_.error = error;
      call_.failed_row = row;
    }
    ++call_.rows_done;
  }
}

void RowParallelDenoiser::EvaluateRow(const Call& call, int64_t row) const {
  const at::NoGradGuard no_grad;
  const at::Tensor x = call.input.x.narrow(0, row, 1);
  if (call.loss == nullptr) {
    const c10::InferenceMode inference;
    call.output.narrow(0, row, 1).copy_(Forward(call.input, x, row));
    return;
  }
  const auto network = [&](const at::Tensor& leaf) { return Forward(call.input, leaf, row); };
  const Differentiated result = Differentiate(network, x, row, *call.loss);
  call.output.narrow(0, row, 1).copy_(result.prediction);
  call.gradient.narrow(0, row, 1).copy_(result.gradient);
}

at::Tensor RowParallelDenoiser::Forward(const DenoiserInput& input, const at::Tensor& x,
                                        int64_t row) const {
  const at::Tensor labels =
      input.class_labels.defined() ? input.class_labels.narrow(0, row, 1) : at::Tensor();
  return network_->forward(x.contiguous(at::MemoryFormat::ChannelsLast), input.t.narrow(0, row, 1),
                           labels);
}

}  // namespace tweedie
