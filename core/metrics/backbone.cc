#include "core/metrics/backbone.h"

#include <ATen/ATen.h>

#include <array>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

using Kind = BackboneLayer::Kind;

BackboneLayer Conv(int64_t channels, int64_t kernel, int64_t stride, int64_t padding) {
  return {.kind = Kind::kConv,
          .channels = channels,
          .kernel = kernel,
          .stride = stride,
          .padding = padding};
}

BackboneLayer Relu() { return {.kind = Kind::kRelu}; }

BackboneLayer MaxPool(int64_t kernel, bool ceil_mode = false) {
  return {.kind = Kind::kMaxPool, .kernel = kernel, .stride = 2, .ceil_mode = ceil_mode};
}

BackboneLayer Fire(int64_t squeeze, int64_t expand) {
  return {.kind = Kind::kFire, .channels = expand, .squeeze = squeeze};
}

Backbone MakeAlex() {
  return {.name = "alex",
          .layers = {Conv(64, 11, 4, 2), Relu(), MaxPool(3), Conv(192, 5, 1, 2), Relu(), MaxPool(3),
                     Conv(384, 3, 1, 1), Relu(), Conv(256, 3, 1, 1), Relu(), Conv(256, 3, 1, 1),
                     Relu()},
          .compared = {1, 4, 7, 9, 11},
          .min_side = 31};
}

Backbone MakeSqueeze() {
  return {.name = "squeeze",
          .layers = {Conv(64, 3, 2, 0), Relu(), MaxPool(3, true), Fire(16, 64), Fire(16, 64),
                     MaxPool(3, true), Fire(32, 128), Fire(32, 128), MaxPool(3, true),
                     Fire(48, 192), Fire(48, 192), Fire(64, 256), Fire(64, 256)},
          .compared = {1, 4, 7, 9, 10, 11, 12},
          .min_side = 17};
}

Backbone MakeVgg16() {
  Backbone backbone{.name = "vgg16", .layers = {}, .compared = {}, .min_side = 16};
  constexpr std::array<std::array<int64_t, 2>, 5> kBlocks = {
      {{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}};  // channels, convolutions
  for (const auto& [channels, convolutions] : kBlocks) {
    if (!backbone.layers.empty()) backbone.layers.push_back(MaxPool(2));
    for (int64_t i = 0; i < convolutions; ++i) {
      backbone.layers.push_back(Conv(channels, 3, 1, 1));
      backbone.layers.push_back(Relu());
    }
    backbone.compared.push_back(backbone.layers.size() - 1);
  }
  return backbone;
}

// The weight and the bias of a convolution.
void AddConv(const std::string& name, int64_t out, int64_t in, int64_t kernel,
             std::vector<BackboneParameter>* parameters) {
  parameters->push_back({absl::StrCat(name, ".weight"), {out, in, kernel, kernel}});
  parameters->push_back({absl::StrCat(name, ".bias"), {out}});
}

at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    int64_t stride, int64_t padding) {
  const std::array<int64_t, 2> strides = {stride, stride}, paddings = {padding, padding};
  return at::conv2d(x, weight, bias, strides, at::IntArrayRef(paddings));
}

at::Tensor ApplyFire(const std::vector<at::Tensor>& p, const at::Tensor& x) {
  const at::Tensor squeezed = Convolve(x, p[0], p[1], 1, 0).relu();
  return at::cat({Convolve(squeezed, p[2], p[3], 1, 0), Convolve(squeezed, p[4], p[5], 1, 1)}, 1)
      .relu();
}

}  // namespace

const Backbone* FindBackbone(absl::string_view name) {
  static const auto* const backbones =
      new std::array<Backbone, 3>{MakeAlex(), MakeSqueeze(), MakeVgg16()};
  for (const Backbone& backbone : *backbones) {
    if (backbone.name == name) return &backbone;
  }
  return nullptr;
}

int64_t ChannelsAfter(const BackboneLayer& layer, int64_t channels) {
  if (layer.kind == Kind::kConv) return layer.channels;
  return layer.kind == Kind::kFire ? 2 * layer.channels : channels;
}

std::vector<std::vector<BackboneParameter>> ParametersOf(const Backbone& backbone) {
  std::vector<std::vector<BackboneParameter>> all;
  int64_t channels = 3;
  for (const BackboneLayer& layer : backbone.layers) {
    const std::string name = absl::StrCat("features.", all.size());
    std::vector<BackboneParameter> parameters;
    if (layer.kind == Kind::kConv) {
      AddConv(name, layer.channels, channels, layer.kernel, &parameters);
    } else if (layer.kind == Kind::kFire) {
      AddConv(name + ".squeeze", layer.squeeze, channels, 1, &parameters);
      AddConv(name + ".expand1x1", layer.channels, layer.squeeze, 1, &parameters);
      AddConv(name + ".expand3x3", layer.channels, layer.squeeze, 3, &parameters);
    }
    all.push_back(std::move(parameters));
    channels = ChannelsAfter(layer, channels);
  }
  return all;
}

at::Tensor Apply(const BackboneLayer& layer, const std::vector<at::Tensor>& parameters,
                 const at::Tensor& x) {
  switch (layer.kind) {
    case Kind::kConv:
      return Convolve(x, parameters[0], parameters[1], layer.stride, layer.padding);
    case Kind::kRelu:
      return x.relu();
    case Kind::kMaxPool:
      return at::max_pool2d(x, {layer.kernel, layer.kernel}, {layer.stride, layer.stride}, {0, 0},
                            {1, 1}, layer.ceil_mode);
    case Kind::kFire:
      return ApplyFire(parameters, x);
  }
  TORCH_CHECK(false, "unknown kind of layer");
}

}  // namespace tweedie
