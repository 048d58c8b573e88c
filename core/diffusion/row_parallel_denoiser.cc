#include "core/diffusion/row_parallel_denoiser.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <utility>

#include "core/diffusion/differentiate.h"
#include "core/diffusion/scalar_type.h"
#include "core/nn/network.h"

namespace tweedie {
namespace {

void Check(const DenoiserInput& input) {
  TORCH_CHECK(input.x.dim() == 4 && input.x.device().is_cpu() && input.t.dim() == 1 &&
                  input.t.size(0) == input.x.size(0),
              "strict mode wants x [B, C, H, W] and t [B] on the CPU; x is ", input.x.sizes(),
              ", t is ", input.t.sizes());
}

// Of another tensor, so that the caller's may require a gradient.
DenoiserInput Detached(const DenoiserInput& input) {
  return {input.x.detach(), input.t, input.class_labels};
}

}  // namespace

RowParallelDenoiser::RowParallelDenoiser(std::shared_ptr<nn::Network> network,
                                         std::shared_ptr<RowPool> pool, Precision precision)
    : network_(std::move(network)), pool_(std::move(pool)), type_(ScalarTypeOf(precision)) {
  if (type_ != at::kFloat) network_->to(type_);
}

at::Tensor RowParallelDenoiser::EmptyOutput(const DenoiserInput& input) const {
  const at::Tensor& x = input.x;
  return at::empty({x.size(0), network_->out_channels(), x.size(2), x.size(3)}, at::kFloat);
}

at::Tensor RowParallelDenoiser::Predict(const DenoiserInput& given) {
  Check(given);
  const at::NoGradGuard no_grad;
  const DenoiserInput input = Detached(given);
  const at::Tensor output = EmptyOutput(input);
  pool_->Run(input.x.size(0), [&](int64_t row) {
    const at::NoGradGuard no_grad_here;
    const at::Tensor x = input.x.narrow(0, row, 1);
    const c10::InferenceMode inference;
    output.narrow(0, row, 1).copy_(Forward(input, x, row));
  });
  return output;
}

Differentiated RowParallelDenoiser::PredictWithGradient(const DenoiserInput& given,
                                                        const RowLoss& loss) {
  Check(given);
  const at::NoGradGuard no_grad;
  const DenoiserInput input = Detached(given);
  const at::Tensor output = EmptyOutput(input);
  const at::Tensor gradient = at::empty(input.x.sizes(), at::kFloat);
  pool_->Run(input.x.size(0), [&](int64_t row) {
    const at::NoGradGuard no_grad_here;
    const auto network = [&](const at::Tensor& leaf) { return Forward(input, leaf, row); };
    const Differentiated result = Differentiate(network, input.x.narrow(0, row, 1), row, loss);
    output.narrow(0, row, 1).copy_(result.prediction);
    gradient.narrow(0, row, 1).copy_(result.gradient);
  });
  return {output, gradient};
}

at::Tensor RowParallelDenoiser::Forward(const DenoiserInput& input, const at::Tensor& x,
                                        int64_t row) const {
  const at::Tensor labels =
      input.class_labels.defined() ? input.class_labels.narrow(0, row, 1) : at::Tensor();
  const at::Tensor image = x.to(type_).contiguous(at::MemoryFormat::ChannelsLast);
  return network_->forward(image, input.t.narrow(0, row, 1), labels).to(at::kFloat);
}

}  // namespace tweedie
