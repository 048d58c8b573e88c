#ifndef TWEEDIE_CORE_NN_ATTENTION_BLOCK_H_
#define TWEEDIE_CORE_NN_ATTENTION_BLOCK_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>
#include <optional>

#include "core/nn/layers.h"

namespace tweedie::nn {

// Self-attention over the pixels: [norm,] softmax(q k^T / sqrt(d)) v, output
// projection, plus its input.
class AttentionBlock final : public torch::nn::Module {
 public:
  struct Options {
    int64_t channels;
    // Channels of a head, at most `channels`; heads = channels / head_dim.
    int64_t head_dim;
    // nullopt: no norm.
    std::optional<int64_t> num_groups;
    double eps;
    // Divides the output.
    double output_scale_factor = 1;
  };
  explicit AttentionBlock(const Options& options);
  // [B, C, H, W] -> [B, C, H, W].
  at::Tensor Forward(const at::Tensor& x) const;

 private:
  // [B, HW, C] -> [B, heads, HW, d].
  at::Tensor Heads(const Linear& projection, const at::Tensor& tokens) const;

  const Options options_;
  const int64_t num_heads_;
  std::shared_ptr<GroupNorm> group_norm_;  // null if there is none
  const std::shared_ptr<Linear> to_q_, to_k_, to_v_;
  const std::shared_ptr<ModuleVector<Linear>> to_out_;
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_ATTENTION_BLOCK_H_
