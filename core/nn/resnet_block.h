#ifndef TWEEDIE_CORE_NN_RESNET_BLOCK_H_
#define TWEEDIE_CORE_NN_RESNET_BLOCK_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>

#include "core/nn/layers.h"
#include "core/nn/unet_config.h"

namespace tweedie::nn {

// A part of the network that maps features x [B, C, H, W], given the activated
// embedding `temb` [B, D] of time and class, to features.
class TimedModule : public torch::nn::Module {
 public:
  virtual at::Tensor Forward(const at::Tensor& x, const at::Tensor& temb) const = 0;
};

// A residual block: norm, activation, [resampling,] conv, time, norm,
// activation, conv, plus its input (through a 1x1 conv if channels change).
class ResnetBlock final : public TimedModule {
 public:
  enum class Resample { kNone, kUp, kDown };
  struct Options {
    int64_t in_channels;
    int64_t out_channels;
    int64_t temb_channels;
    int64_t num_groups;
    double eps;
    Activation activation;
    TimeScaleShift time_scale_shift;
    // Divides the output.
    double output_scale_factor = 1;
    // Nearest x2 or 2x2 average, of both branches.
    Resample resample = Resample::kNone;
  };
  explicit ResnetBlock(const Options& options);
  at::Tensor Forward(const at::Tensor& x, const at::Tensor& temb) const override;

 private:
  at::Tensor Resampled(const at::Tensor& x) const;
  // norm2 with the time before or after it.
  at::Tensor NormWithTime(at::Tensor h, const at::Tensor& temb) const;

  const Options options_;
  const std::shared_ptr<GroupNorm> norm1_;
  const std::shared_ptr<Conv2d> conv1_;
  const std::shared_ptr<Linear> time_emb_proj_;
  const std::shared_ptr<GroupNorm> norm2_;
  const std::shared_ptr<Conv2d> conv2_;
  std::shared_ptr<Conv2d> conv_shortcut_;  // null if channels do not change
};

// Nearest-neighbour x2 of [B, C, H, W].
at::Tensor UpsampleNearest(const at::Tensor& x);

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_RESNET_BLOCK_H_
