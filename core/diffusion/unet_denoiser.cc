#include "core/diffusion/unet_denoiser.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/nn/unet.h"

namespace tweedie {

UnetDenoiser::UnetDenoiser(std::shared_ptr<nn::UnetImpl> network, at::Device device)
    : network_(std::move(network)), device_(device) {
  network_->to(device_);
}

at::Tensor UnetDenoiser::Predict(const DenoiserInput& input) {
  const at::NoGradGuard no_grad;
  const at::Tensor labels =
      input.class_labels.defined() ? input.class_labels.to(device_) : at::Tensor();
  const at::Tensor x = input.x.to(device_).contiguous(at::MemoryFormat::ChannelsLast);
  return network_->forward(x, input.t.to(device_), labels).contiguous().to(input.x.device());
}

}  // namespace tweedie
