#ifndef TWEEDIE_CORE_NN_UNET_BLOCKS_H_
#define TWEEDIE_CORE_NN_UNET_BLOCKS_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "core/nn/attention_block.h"
#include "core/nn/layers.h"
#include "core/nn/resnet_block.h"
#include "core/nn/unet_config.h"

namespace tweedie::nn {

// The down block of level `level` (0 = finest). All but the last halve the
// resolution.
class DownBlock final : public torch::nn::Module {
 public:
  DownBlock(const UnetConfig& config, size_t level);
  // Returns the features, and appends to `skips` what the way up will see.
  at::Tensor Forward(at::Tensor x, const at::Tensor& temb, std::vector<at::Tensor>* skips) const;

 private:
  const std::shared_ptr<ModuleVector<ResnetBlock>> resnets_;
  std::shared_ptr<ModuleVector<AttentionBlock>> attentions_;  // null: no attention
  std::shared_ptr<ModuleVector<TimedModule>> downsamplers_;   // null on the last level
};

// Residual block[, attention], residual block.
class MidBlock final : public torch::nn::Module {
 public:
  explicit MidBlock(const UnetConfig& config);
  at::Tensor Forward(const at::Tensor& x, const at::Tensor& temb) const;

 private:
  const std::shared_ptr<ModuleVector<ResnetBlock>> resnets_;
  const std::shared_ptr<ModuleVector<AttentionBlock>> attentions_;
};

// The up block number `index` (0 = coarsest). All but the last double the
// resolution.
class UpBlock final : public torch::nn::Module {
 public:
  UpBlock(const UnetConfig& config, size_t index);
  // Takes from the end of `skips` as many as it has residual blocks.
  at::Tensor Forward(at::Tensor x, const at::Tensor& temb, std::vector<at::Tensor>* skips) const;

 private:
  const std::shared_ptr<ModuleVector<ResnetBlock>> resnets_;
  std::shared_ptr<ModuleVector<AttentionBlock>> attentions_;  // null: no attention
  std::shared_ptr<ModuleVector<TimedModule>> upsamplers_;     // null on the last level
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_UNET_BLOCKS_H_
