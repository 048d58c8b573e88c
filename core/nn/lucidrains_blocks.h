#ifndef TWEEDIE_CORE_NN_LUCIDRAINS_BLOCKS_H_
#define TWEEDIE_CORE_NN_LUCIDRAINS_BLOCKS_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>

#include "core/nn/layers.h"
#include "core/nn/lucidrains_config.h"

namespace tweedie::nn {

// Parts of the Unet of denoising-diffusion-pytorch, by the names of its current
// state dict. All map features [B, C, H, W] to features and are thread-safe while
// nobody loads or moves them.

class FeatureNorm final : public torch::nn::Module {
 public:
  // `num_groups` is of kGroup.
  FeatureNorm(FeatureNormKind kind, int64_t channels, int64_t num_groups);
  at::Tensor Forward(const at::Tensor& x) const;

 private:
  const FeatureNormKind kind_;
  const int64_t channels_, num_groups_;
  at::Tensor g_;              // [1, C, 1, 1] of kRms and kLayer
  at::Tensor weight_, bias_;  // [C] of kGroup
};

// Convolution, norm[, scale and shift by the time], SiLU; convolution, norm, SiLU;
// plus its input (through a 1x1 convolution if channels change).
class LucidrainsResnet final : public torch::nn::Module {
 public:
  LucidrainsResnet(const LucidrainsConfig& config, int64_t in_channels, int64_t out_channels);
  // `temb` [B, 4 dim], activated.
  at::Tensor Forward(const at::Tensor& x, const at::Tensor& temb) const;

 private:
  class Block;

  const std::shared_ptr<Linear> time_;
  const std::shared_ptr<Block> block1_, block2_;
  std::shared_ptr<Conv2d> res_conv_;  // null if channels do not change
};

// Norm, attention of one kind over pixels and memory, projection[, norm]; plus
// its input.
class LucidrainsAttentionBlock final : public torch::nn::Module {
 public:
  LucidrainsAttentionBlock(const LucidrainsConfig& config, const LucidrainsAttention& attention,
                           int64_t channels);
  at::Tensor Forward(const at::Tensor& x) const;

 private:
  // q, k and v are [B, heads, d, HW], and so is the result.
  at::Tensor Full(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const;
  at::Tensor Linearized(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const;
  // Row 0 (keys) or 1 (values) of the memory, [B, heads, ...].
  at::Tensor Memory(int64_t row, int64_t batch) const;

  const LucidrainsAttention options_;
  const bool scale_values_;
  const std::shared_ptr<FeatureNorm> norm_;
  const std::shared_ptr<Conv2d> to_qkv_;
  at::Tensor mem_kv_;  // [2, heads, n, d], or [2, heads, d, n] if linear; may be undefined
  std::shared_ptr<Conv2d> to_out_;         // of full attention
  std::shared_ptr<Conv2d> to_out_conv_;    // of linear attention
  std::shared_ptr<FeatureNorm> out_norm_;  // of linear attention
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_LUCIDRAINS_BLOCKS_H_
