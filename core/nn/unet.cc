#include "core/nn/unet.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "core/nn/float32_module.h"

namespace tweedie::nn {
namespace {

std::shared_ptr<Conv2d> MakeConv(int64_t in_channels, int64_t out_channels) {
  return std::make_shared<Conv2d>(
      Conv2d::Options{.in_channels = in_channels, .out_channels = out_channels});
}

}  // namespace

UnetImpl::UnetImpl(const UnetConfig& config)
    : config_(config),
      conv_in_(
          register_module("conv_in", MakeConv(config.in_channels, config.block_out_channels[0]))),
      time_proj_(register_module("time_proj", MakeTimeProjection(config))),
      time_embedding_(
          register_module("time_embedding", std::make_shared<Float32Module<TimestepEmbedding>>(
                                                time_proj_->width(), config.TimeEmbeddingWidth()))),
      down_blocks_(register_module("down_blocks", std::make_shared<ModuleVector<DownBlock>>())),
      up_blocks_(register_module("up_blocks", std::make_shared<ModuleVector<UpBlock>>())),
      conv_norm_out_(register_module(
          "conv_norm_out",
          std::make_shared<GroupNorm>(config.norm_num_groups, config.block_out_channels[0],
                                      config.norm_eps))),
      conv_out_(register_module("conv_out",
                                MakeConv(config.block_out_channels[0], config.out_channels))) {
  const int64_t width = config.TimeEmbeddingWidth();
  if (config.class_embed_type == ClassEmbedding::kTable) {
    class_table_ = register_module("class_embedding", std::make_shared<Float32Module<Embedding>>(
                                                          config.num_class_embeds, width));
  } else if (config.class_embed_type == ClassEmbedding::kTimestep) {
    class_timestep_ = register_module(
        "class_embedding",
        std::make_shared<Float32Module<TimestepEmbedding>>(time_proj_->width(), width));
  }
  const size_t num_levels = config.block_out_channels.size();
  for (size_t i = 0; i < num_levels; ++i) {
    down_blocks_->Add(std::make_shared<DownBlock>(config, i));
    up_blocks_->Add(std::make_shared<UpBlock>(config, i));
  }
  if (config.has_mid_block) {
    mid_block_ = register_module("mid_block", std::make_shared<MidBlock>(config));
  }
  eval();
}

at::Tensor UnetImpl::EmbeddedLabels(const at::Tensor& class_labels) const {
  if (class_table_) return class_table_->Forward(class_labels);
  if (class_timestep_) return class_timestep_->Forward(time_proj_->Forward(class_labels));
  TORCH_CHECK(class_labels.dim() == 2, "class_labels must be embeddings [B, width]");
  return class_labels;
}

at::Tensor UnetImpl::Embed(const at::Tensor& t, const at::Tensor& class_labels) const {
  const bool scaled = config_.timestep_scale != 1;
  const at::Tensor time = scaled ? t.to(at::kFloat).mul(config_.timestep_scale) : t;
  at::Tensor embedding = time_embedding_->Forward(time_proj_->Forward(time));
  if (class_labels.defined()) embedding = embedding.add(EmbeddedLabels(class_labels));
  return ActivateInPlace(config_.act_fn, std::move(embedding));
}

at::Tensor UnetImpl::forward(const at::Tensor& x, const at::Tensor& t,
                             const at::Tensor& class_labels) {
  TORCH_CHECK(class_labels.defined() == (config_.class_embed_type != ClassEmbedding::kNone),
              "class_labels must be given exactly if the network is class-conditional");
  const at::Tensor temb = Embed(t, class_labels).to(x.scalar_type());
  at::Tensor h = conv_in_->Forward(config_.center_input_sample ? x.mul(2).sub(1) : x);
  std::vector<at::Tensor> skips = {h};
  for (const auto& block : down_blocks_->items()) h = block->Forward(std::move(h), temb, &skips);
  if (mid_block_) h = mid_block_->Forward(h, temb);
  for (const auto& block : up_blocks_->items()) h = block->Forward(std::move(h), temb, &skips);
  h = conv_out_->Forward(ActivateInPlace(Activation::kSilu, conv_norm_out_->Forward(h)));
  if (config_.time_embedding_type != TimeEmbedding::kFourier) return h;
  return h.div_(t.view({-1, 1, 1, 1}));
}

}  // namespace tweedie::nn
