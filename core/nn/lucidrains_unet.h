#ifndef TWEEDIE_CORE_NN_LUCIDRAINS_UNET_H_
#define TWEEDIE_CORE_NN_LUCIDRAINS_UNET_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>

#include "core/nn/layers.h"
#include "core/nn/lucidrains_blocks.h"
#include "core/nn/lucidrains_config.h"
#include "core/nn/network.h"

namespace tweedie::nn {

// The Unet of lucidrains' denoising-diffusion-pytorch. Parameters are named as in
// the state dict of its current release, but that the convolutions that change
// resolution are `downs.i.3` and `ups.i.3` everywhere.
class LucidrainsUnet final : public Network {
 public:
  // `config` is one that core/weights accepts.
  explicit LucidrainsUnet(const LucidrainsConfig& config);

  // There are no classes.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& t,
                     const at::Tensor& class_labels) override;
  int64_t out_channels() const override { return config_.out_channels; }

 private:
  class TimeMlp;
  class Stage;

  // Adds the levels of both ways.
  void AddStages();

  const LucidrainsConfig config_;
  const std::shared_ptr<Conv2d> init_conv_;
  const std::shared_ptr<TimeMlp> time_mlp_;
  const std::shared_ptr<ModuleVector<Stage>> downs_, ups_;
  const std::shared_ptr<LucidrainsResnet> mid_block1_, mid_block2_;
  const std::shared_ptr<LucidrainsAttentionBlock> mid_attn_;
  const std::shared_ptr<LucidrainsResnet> final_res_block_;
  const std::shared_ptr<Conv2d> final_conv_;
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_LUCIDRAINS_UNET_H_
