#include "core/nn/layers.h"

#include <ATen/ATen.h>

namespace tweedie::nn {
namespace {

at::Tensor Placeholder(at::IntArrayRef shape) { return at::zeros({}).expand(shape); }

}  // namespace

Conv2d::Conv2d(const Options& options)
    : options_(options),
      weight_(register_parameter(
          "weight",
          Placeholder({options.out_channels, options.in_channels, options.kernel, options.kernel}),
          false)) {
  if (options.bias) bias_ = register_parameter("bias", Placeholder({options.out_channels}), false);
}

at::Tensor Conv2d::Forward(const at::Tensor& x) const {
  const std::array<int64_t, 2> stride = {options_.stride, options_.stride};
  const std::array<int64_t, 2> padding = {options_.padding, options_.padding};
  return at::conv2d(x, weight_, bias_, stride, at::IntArrayRef(padding));
}

Linear::Linear(int64_t in_features, int64_t out_features)
    : weight_(register_parameter("weight", Placeholder({out_features, in_features}), false)),
      bias_(register_parameter("bias", Placeholder({out_features}), false)) {}

at::Tensor Linear::Forward(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }

GroupNorm::GroupNorm(int64_t num_groups, int64_t num_channels, double eps)
    : num_groups_(num_groups),
      eps_(eps),
      weight_(register_parameter("weight", Placeholder({num_channels}), false)),
      bias_(register_parameter("bias", Placeholder({num_channels}), false)) {}

at::Tensor GroupNorm::Forward(const at::Tensor& x) const {
  return at::group_norm(x, num_groups_, weight_, bias_, eps_);
}

at::Tensor ActivateInPlace(Activation activation, at::Tensor x) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu_(x);
    case Activation::kMish:
      return at::mish_(x);
    case Activation::kGelu:
      return at::gelu_(x);
    case Activation::kRelu:
      return at::relu_(x);
  }
  TORCH_CHECK(false, "unknown activation");
}

}  // namespace tweedie::nn
