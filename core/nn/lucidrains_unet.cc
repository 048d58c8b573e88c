#include "core/nn/lucidrains_unet.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "core/nn/float32_module.h"
#include "core/nn/resnet_block.h"

namespace tweedie::nn {
namespace {

Conv2d::Options Halving(bool patch_down, int64_t in_channels, int64_t out_channels) {
  return {.in_channels = in_channels,
          .out_channels = out_channels,
          .kernel = patch_down ? 2 : 4,
          .stride = 2,
          .padding = patch_down ? 0 : 1};
}

class Frequencies final : public torch::nn::Module {
 public:
  // Learned ones, under the name of the module that holds them there.
  explicit Frequencies(int64_t count)
      : values(register_parameter("weights", at::zeros({}).expand({count}), false)) {}
  // A buffer, and so not part of the state dict.
  explicit Frequencies(const at::Tensor& fixed) : values(register_buffer("fixed", fixed)) {}
  const at::Tensor values;
};

}  // namespace

// What the residual blocks see of the time, float32.
class LucidrainsUnet::TimeMlp final : public Float32Module<torch::nn::Module> {
 public:
  explicit TimeMlp(const LucidrainsConfig& config)
      : is_learned_(config.num_learned_frequencies.has_value()) {
    int64_t features = config.dim;
    if (is_learned_) {
      const int64_t count = *config.num_learned_frequencies;
      frequencies_ = register_module("0", std::make_shared<Frequencies>(count));
      features = 2 * count + 1;
    } else {
      const int64_t half = config.dim / 2;
      frequencies_ =
          register_module("0", std::make_shared<Frequencies>(
                                   at::arange(half, at::kFloat)
                                       .mul(-std::log(config.theta) / static_cast<double>(half - 1))
                                       .exp()));
    }
    linear_1_ = register_module("1", std::make_shared<Linear>(features, 4 * config.dim));
    linear_2_ = register_module("3", std::make_shared<Linear>(4 * config.dim, 4 * config.dim));
  }
  // t [B] -> [B, 4 dim], activated.
  at::Tensor Forward(const at::Tensor& t) const {
    const at::Tensor h = linear_1_->Forward(Features(t));
    return ActivateInPlace(Activation::kSilu,
                           linear_2_->Forward(ActivateInPlace(Activation::kGelu, h)));
  }

 private:
  at::Tensor Features(const at::Tensor& t) const {
    const at::Tensor x = t.to(at::kFloat).unsqueeze(1);
    const at::Tensor angles = x.mul(frequencies_->values.unsqueeze(0));
    if (!is_learned_) return at::cat({angles.sin(), angles.cos()}, 1);
    const at::Tensor turns = angles.mul(2).mul(std::numbers::pi);
    return at::cat({x, turns.sin(), turns.cos()}, 1);
  }

  const bool is_learned_;
  std::shared_ptr<Frequencies> frequencies_;
  std::shared_ptr<Linear> linear_1_, linear_2_;
};

// Two residual blocks, attention, and the convolution to the next resolution.
class LucidrainsUnet::Stage final : public torch::nn::Module {
 public:
  Stage(const LucidrainsConfig& config, size_t level, int64_t in_channels, int64_t channels,
        Conv2d::Options next)
      : block1_(register_module("0",
                                std::make_shared<LucidrainsResnet>(config, in_channels, channels))),
        block2_(register_module("1",
                                std::make_shared<LucidrainsResnet>(config, in_channels, channels))),
        attention_(register_module("2", std::make_shared<LucidrainsAttentionBlock>(
                                            config, config.attention[level], channels))),
        next_(register_module("3", std::make_shared<Conv2d>(next))) {}

  at::Tensor Down(at::Tensor x, const at::Tensor& temb, std::vector<at::Tensor>* skips) const {
    skips->push_back(block1_->Forward(x, temb));
    skips->push_back(attention_->Forward(block2_->Forward(skips->back(), temb)));
    return next_->Forward(skips->back());
  }
  at::Tensor Up(at::Tensor x, const at::Tensor& temb, bool doubles,
                std::vector<at::Tensor>* skips) const {
    for (const auto& block : {block1_, block2_}) {
      x = block->Forward(at::cat({x, skips->back()}, 1), temb);
      skips->pop_back();
    }
    x = attention_->Forward(x);
    return next_->Forward(doubles ? UpsampleNearest(x) : x);
  }

 private:
  const std::shared_ptr<LucidrainsResnet> block1_, block2_;
  const std::shared_ptr<LucidrainsAttentionBlock> attention_;
  const std::shared_ptr<Conv2d> next_;
};

LucidrainsUnet::LucidrainsUnet(const LucidrainsConfig& config)
    : config_(config),
      init_conv_(register_module(
          "init_conv", std::make_shared<Conv2d>(Conv2d::Options{.in_channels = config.in_channels,
                                                                .out_channels = config.init_dim,
                                                                .kernel = 7,
                                                                .padding = 3}))),
      time_mlp_(register_module("time_mlp", std::make_shared<TimeMlp>(config))),
      downs_(register_module("downs", std::make_shared<ModuleVector<Stage>>())),
      ups_(register_module("ups", std::make_shared<ModuleVector<Stage>>())),
      mid_block1_(register_module(
          "mid_block1", std::make_shared<LucidrainsResnet>(config, config.level_dims.back(),
                                                           config.level_dims.back()))),
      mid_block2_(register_module(
          "mid_block2", std::make_shared<LucidrainsResnet>(config, config.level_dims.back(),
                                                           config.level_dims.back()))),
      mid_attn_(
          register_module("mid_attn", std::make_shared<LucidrainsAttentionBlock>(
                                          config,
                                          LucidrainsAttention{true, config.attention.back().heads,
                                                              config.attention.back().head_dim},
                                          config.level_dims.back()))),
      final_res_block_(register_module(
          "final_res_block",
          std::make_shared<LucidrainsResnet>(config, 2 * config.init_dim, config.init_dim))),
      final_conv_(register_module("final_conv", std::make_shared<Conv2d>(Conv2d::Options{
                                                    .in_channels = config.init_dim,
                                                    .out_channels = config.out_channels,
                                                    .kernel = 1,
                                                    .padding = 0}))) {
  AddStages();
  eval();
}

void LucidrainsUnet::AddStages() {
  const size_t levels = config_.level_dims.size();
  const auto width = [&](size_t level) {
    return level == 0 ? config_.init_dim : config_.level_dims[level - 1];
  };
  for (size_t level = 0; level < levels; ++level) {
    const int64_t in = width(level), out = width(level + 1);
    downs_->Add(std::make_shared<Stage>(
        config_, level, in, in,
        level + 1 < levels ? Halving(config_.patch_down, in, out)
                           : Conv2d::Options{.in_channels = in, .out_channels = out}));
  }
  for (size_t level = levels; level-- > 0;) {
    const int64_t in = width(level), out = width(level + 1);
    ups_->Add(std::make_shared<Stage>(config_, level, out + in, out,
                                      Conv2d::Options{.in_channels = out, .out_channels = in}));
  }
}

at::Tensor LucidrainsUnet::forward(const at::Tensor& x, const at::Tensor& t,
                                   const at::Tensor& class_labels) {
  TORCH_CHECK(!class_labels.defined(), "class_labels are given, but the network has no classes");
  const at::Tensor temb = time_mlp_->Forward(t).to(x.scalar_type());
  const at::Tensor first = init_conv_->Forward(x);
  at::Tensor h = first;
  std::vector<at::Tensor> skips;
  for (const auto& stage : downs_->items()) h = stage->Down(std::move(h), temb, &skips);
  h = mid_block2_->Forward(mid_attn_->Forward(mid_block1_->Forward(h, temb)), temb);
  for (size_t i = 0; i < ups_->items().size(); ++i) {
    const bool doubles = i + 1 < ups_->items().size();
    h = ups_->items()[i]->Up(std::move(h), temb, doubles, &skips);
  }
  return final_conv_->Forward(final_res_block_->Forward(at::cat({h, first}, 1), temb));
}

}  // namespace tweedie::nn
