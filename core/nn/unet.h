#ifndef TWEEDIE_CORE_NN_UNET_H_
#define TWEEDIE_CORE_NN_UNET_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>

#include "core/nn/embeddings.h"
#include "core/nn/layers.h"
#include "core/nn/network.h"
#include "core/nn/unet_blocks.h"
#include "core/nn/unet_config.h"

namespace tweedie::nn {

// The network of Ho et al. (2020) and its descendants, as diffusers'
// UNet2DModel defines it, with what other dialects need beyond that. Its
// parameters are named as in diffusers' state dict.
class UnetImpl : public Network {
 public:
  // `config` is one that core/weights accepts.
  explicit UnetImpl(const UnetConfig& config);

  // `class_labels` of kIdentity are embeddings [B, width].
  at::Tensor forward(const at::Tensor& x, const at::Tensor& t,
                     const at::Tensor& class_labels) override;
  int64_t out_channels() const override { return config_.out_channels; }
  // What the residual blocks see of time and class, [B, width], activated; float32 whatever
  // the type of other weights. Arguments as of forward().
  at::Tensor Embed(const at::Tensor& t, const at::Tensor& class_labels) const;

  const UnetConfig& config() const { return config_; }

 private:
  at::Tensor EmbeddedLabels(const at::Tensor& class_labels) const;

  const UnetConfig config_;
  const std::shared_ptr<Conv2d> conv_in_;
  const std::shared_ptr<TimeProjection> time_proj_;
  const std::shared_ptr<TimestepEmbedding> time_embedding_;
  std::shared_ptr<Embedding> class_table_;             // of kTable
  std::shared_ptr<TimestepEmbedding> class_timestep_;  // of kTimestep
  const std::shared_ptr<ModuleVector<DownBlock>> down_blocks_;
  std::shared_ptr<MidBlock> mid_block_;  // null if there is none
  const std::shared_ptr<ModuleVector<UpBlock>> up_blocks_;
  const std::shared_ptr<GroupNorm> conv_norm_out_;
  const std::shared_ptr<Conv2d> conv_out_;
};
TORCH_MODULE(Unet);

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_UNET_H_
