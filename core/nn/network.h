#ifndef TWEEDIE_CORE_NN_NETWORK_H_
#define TWEEDIE_CORE_NN_NETWORK_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

namespace tweedie::nn {

// A denoising network. Its parameters have `requires_grad` false and are
// placeholders without memory until core/weights assigns them. Convolutions are
// fastest with channels-last weights, which core/weights makes. Evaluation
// changes nothing, so threads may share a network that nobody moves or loads.
class Network : public torch::nn::Module {
 public:
  // Network output [B, out_channels(), H, W] for x [B, C, H, W] (of the
  // parameters' type, float32 as loaded) at t [B] (int64). `class_labels` [B]
  // (int64) is undefined exactly if the network has no classes; otherwise, and
  // if shapes do not fit, throws c10::Error.
  virtual at::Tensor forward(const at::Tensor& x, const at::Tensor& t,
                             const at::Tensor& class_labels) = 0;
  virtual int64_t out_channels() const = 0;
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_NETWORK_H_
