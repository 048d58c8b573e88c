#include "core/diffusion/unet_denoiser.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/diffusion/differentiate.h"
#include "core/nn/network.h"

namespace tweedie {

UnetDenoiser::UnetDenoiser(std::shared_ptr<nn::Network> network, at::Device device)
    : network_(std::move(network)), device_(device) {
  network_->to(device_);
}

at::Tensor UnetDenoiser::Evaluate(const DenoiserInput& input, const at::Tensor& x) const {
  const at::Tensor labels =
      input.class_labels.defined() ? input.class_labels.to(device_) : at::Tensor();
  return network_->forward(x.to(device_).contiguous(at::MemoryFormat::ChannelsLast),
                           input.t.to(device_), labels);
}

at::Tensor UnetDenoiser::Predict(const DenoiserInput& input) {
  const at::NoGradGuard no_grad;
  return Evaluate(input, input.x).contiguous().to(input.x.device());
}

Differentiated UnetDenoiser::PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) {
  return Differentiate([&](const at::Tensor& x) { return Evaluate(input, x); }, input.x, 0, loss);
}

}  // namespace tweedie
