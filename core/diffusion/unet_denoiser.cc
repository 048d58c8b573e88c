#include "core/diffusion/unet_denoiser.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/diffusion/differentiate.h"
#include "core/diffusion/scalar_type.h"
#include "core/nn/network.h"

namespace tweedie {

UnetDenoiser::UnetDenoiser(std::shared_ptr<nn::Network> network, at::Device device,
                           Precision precision)
    : network_(std::move(network)), device_(device), type_(ScalarTypeOf(precision)) {
  network_->to(device_, type_);
}

at::Tensor UnetDenoiser::Evaluate(const DenoiserInput& input, const at::Tensor& x) const {
  const at::Tensor labels =
      input.class_labels.defined() ? input.class_labels.to(device_) : at::Tensor();
  const at::Tensor images = x.to(device_, type_).contiguous(at::MemoryFormat::ChannelsLast);
  return network_->forward(images, input.t.to(device_), labels).to(at::kFloat);
}

at::Tensor UnetDenoiser::Predict(const DenoiserInput& input) {
  const at::NoGradGuard no_grad;
  return Evaluate(input, input.x).contiguous().to(input.x.device());
}

Differentiated UnetDenoiser::PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) {
  return Differentiate([&](const at::Tensor& x) { return Evaluate(input, x); }, input.x, 0, loss);
}

}  // namespace tweedie
