#include "core/diffusion/unet_denoiser.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/diffusion/differentiate.h"
#include "core/nn/network.h"

namespace tweedie {
namespace {

at::ScalarType TypeOf(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
    case Precision::kTf32:
      return at::kFloat;
    case Precision::kBfloat16:
      return at::kBFloat16;
    case Precision::kFloat16:
      return at::kHalf;
  }
  TORCH_CHECK(false, "unknown precision");
}

}  // namespace

UnetDenoiser::UnetDenoiser(std::shared_ptr<nn::Network> network, at::Device device,
                           Precision precision)
    : network_(std::move(network)), device_(device), type_(TypeOf(precision)) {
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
