#ifndef TWEEDIE_CORE_METRICS_LPIPS_H_
#define TWEEDIE_CORE_METRICS_LPIPS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The learned perceptual distance of two images, LPIPS version 0.1 (Zhang et
// al., 2018): at several layers of a classifier, features normalised over their
// channels, their squared difference weighted by a learned head, the mean over
// pixels; the sum over layers. Distances by different nets are not comparable:
// name the net beside every number.
//
// Immutable and thread-safe; copies share the weights (4 to 60 MB). Kernels use
// as many threads as LibTorch has for the calling one. A distance is two
// evaluations of the net: at 256x256 pixels about 1 (alex, squeeze) or 20
// (vgg16) billion multiplications each; memory is highest with vgg16, where it
// takes about 1 KB a pixel.
class Lpips {
 public:
  // `net` is `alex` (AlexNet), `squeeze` (SqueezeNet 1.1) or `vgg16`. `tensors`
  // are the `features.*` of torchvision's state dict of that net, as far as LPIPS
  // looks, and the heads `lin0.weight`, `lin1.weight`, ... [1, C, 1, 1]; what
  // tools/lpips_weights.py writes.
  //
  // INVALID_ARGUMENT for another net, and if tensors are missing, not known, of
  // another shape or not floating-point, of which it lists up to ten of each
  // kind; or names the first that is not finite in float32.
  static absl::StatusOr<Lpips> Create(std::map<std::string, at::Tensor> tensors,
                                      absl::string_view net);

  // The distance, 0 or more, of two images [C, H, W] of one shape, on the CPU;
  // both are clamped to [-1, 1] first, and grey ones repeated to three channels.
  // NaN if a pixel is. nullopt if a side is below min_side(), or if there are
  // neither 1 nor 3 channels. INVALID_ARGUMENT if shapes differ, INTERNAL if
  // LibTorch fails, for want of memory for instance. In float32: within 1e-4 of
  // itself of the exact value.
  absl::StatusOr<std::optional<double>> Distance(const at::Tensor& image,
                                                 const at::Tensor& reference) const;

  absl::string_view net() const;
  // 31 for alex, 17 for squeeze, 16 for vgg16: below, a layer has no output.
  int64_t min_side() const;

 private:
  struct Network;
  explicit Lpips(std::shared_ptr<const Network> network) : network_(std::move(network)) {}

  std::shared_ptr<const Network> network_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METRICS_LPIPS_H_
