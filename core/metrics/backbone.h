#ifndef TWEEDIE_CORE_METRICS_BACKBONE_H_
#define TWEEDIE_CORE_METRICS_BACKBONE_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tweedie {

// One entry of the `features` of a torchvision network.
struct BackboneLayer {
  // kFire (Iandola et al., 2016): a 1x1 convolution, and of its output a 1x1 and
  // a 3x3 convolution side by side, each followed by a ReLU.
  enum class Kind { kConv, kRelu, kMaxPool, kFire };
  Kind kind = Kind::kRelu;
  int64_t channels = 0;  // of the output; of kFire, of either branch
  int64_t kernel = 1;    // of kConv and kMaxPool
  int64_t stride = 1;
  int64_t padding = 0;
  bool ceil_mode = false;  // of kMaxPool
  int64_t squeeze = 0;     // of kFire: channels in between
};

// A network whose features LPIPS compares, up to the last that it looks at.
// Immutable.
struct Backbone {
  std::string name;  // as in the metadata `net` of a file
  std::vector<BackboneLayer> layers;
  // The layers whose output is compared, ascending.
  std::vector<size_t> compared;
  // The shortest height and width for which every layer has an output.
  int64_t min_side = 0;
};

// A parameter that a backbone has: its name in torchvision's state dict, and its
// shape.
struct BackboneParameter {
  std::string name;
  std::vector<int64_t> shape;
};

// The backbone `alex`, `squeeze` (1.1) or `vgg16`, or null. Thread-safe.
const Backbone* FindBackbone(absl::string_view name);

// Channels of the output of `layer`, given those of its input.
int64_t ChannelsAfter(const BackboneLayer& layer, int64_t channels);

// The parameters of each layer, in the order in which Apply() wants them.
std::vector<std::vector<BackboneParameter>> ParametersOf(const Backbone& backbone);

// The output of `layer` for x [1, C, H, W], whose sides are not too short.
// Thread-safe.
at::Tensor Apply(const BackboneLayer& layer, const std::vector<at::Tensor>& parameters,
                 const at::Tensor& x);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METRICS_BACKBONE_H_
