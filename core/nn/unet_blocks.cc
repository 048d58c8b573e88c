#include "core/nn/unet_blocks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace tweedie::nn {
namespace {

class ConvDownsample final : public TimedModule {
 public:
  ConvDownsample(int64_t channels, int64_t padding)
      : pad_right_and_bottom_(padding == 0),
        conv_(register_module("conv",
                              std::make_shared<Conv2d>(Conv2d::Options{.in_channels = channels,
                                                                       .out_channels = channels,
                                                                       .kernel = 3,
                                                                       .stride = 2,
                                                                       .padding = padding}))) {}
  at::Tensor Forward(const at::Tensor& x, const at::Tensor& /*temb*/) const override {
    return conv_->Forward(pad_right_and_bottom_ ? at::constant_pad_nd(x, {0, 1, 0, 1}) : x);
  }

 private:
  const bool pad_right_and_bottom_;
  const std::shared_ptr<Conv2d> conv_;
};

class ConvUpsample final : public TimedModule {
 public:
  explicit ConvUpsample(int64_t channels)
      : conv_(register_module("conv", std::make_shared<Conv2d>(Conv2d::Options{
                                          .in_channels = channels, .out_channels = channels}))) {}
  at::Tensor Forward(const at::Tensor& x, const at::Tensor& /*temb*/) const override {
    return conv_->Forward(UpsampleNearest(x));
  }

 private:
  const std::shared_ptr<Conv2d> conv_;
};

ResnetBlock::Options ResnetOptions(const UnetConfig& config, int64_t in_channels,
                                   int64_t out_channels) {
  return {.in_channels = in_channels,
          .out_channels = out_channels,
          .temb_channels = config.TimeEmbeddingWidth(),
          .num_groups = config.norm_num_groups,
          .eps = config.norm_eps,
          .activation = config.act_fn,
          .time_scale_shift = config.resnet_time_scale_shift};
}

AttentionBlock::Options AttentionOptions(const UnetConfig& config, int64_t channels,
                                         const std::optional<int64_t>& num_heads) {
  return {
      .channels = channels,
      .head_dim = num_heads ? channels / *num_heads : config.attention_head_dim.value_or(channels),
      .num_groups = config.norm_num_groups,
      .eps = config.norm_eps};
}

std::shared_ptr<TimedModule> ResnetResampler(const UnetConfig& config, int64_t channels,
                                             ResnetBlock::Resample resample) {
  ResnetBlock::Options options = ResnetOptions(config, channels, channels);
  options.resample = resample;
  return std::make_shared<ResnetBlock>(options);
}

// Plain blocks resample by convolution and resnet blocks by residual blocks,
// whatever `of_attention` says.
bool ResamplesByResnet(BlockType type, Resampling of_attention) {
  return type == BlockType::kResnet ||
         (type == BlockType::kAttention && of_attention == Resampling::kResnet);
}

std::shared_ptr<TimedModule> MakeDownsampler(const UnetConfig& config, size_t level) {
  const int64_t channels = config.block_out_channels[level];
  if (ResamplesByResnet(config.down_block_types[level], config.downsample_type)) {
    return ResnetResampler(config, channels, ResnetBlock::Resample::kDown);
  }
  return std::make_shared<ConvDownsample>(channels, config.downsample_padding);
}

std::shared_ptr<TimedModule> MakeUpsampler(const UnetConfig& config, size_t index,
                                           int64_t channels) {
  if (ResamplesByResnet(config.up_block_types[index], config.upsample_type)) {
    return ResnetResampler(config, channels, ResnetBlock::Resample::kUp);
  }
  return std::make_shared<ConvUpsample>(channels);
}

// Channels of the level that up block `index` works on; past the last, the
// finest again.
int64_t UpChannels(const UnetConfig& config, size_t index) {
  const size_t last = config.block_out_channels.size() - 1;
  return config.block_out_channels[last - std::min(index, last)];
}

}  // namespace

DownBlock::DownBlock(const UnetConfig& config, size_t level)
    : resnets_(register_module("resnets", std::make_shared<ModuleVector<ResnetBlock>>())) {
  const std::vector<int64_t>& channels = config.block_out_channels;
  const int64_t out = channels[level];
  if (config.down_block_types[level] == BlockType::kAttention) {
    attentions_ = register_module("attentions", std::make_shared<ModuleVector<AttentionBlock>>());
  }
  for (int64_t i = 0; i < config.layers_per_block; ++i) {
    const int64_t in = i == 0 && level > 0 ? channels[level - 1] : out;
    resnets_->Add(std::make_shared<ResnetBlock>(ResnetOptions(config, in, out)));
    if (attentions_) {
      attentions_->Add(
          std::make_shared<AttentionBlock>(AttentionOptions(config, out, config.num_heads)));
    }
  }
  if (level + 1 == channels.size()) return;
  downsamplers_ = register_module("downsamplers", std::make_shared<ModuleVector<TimedModule>>());
  downsamplers_->Add(MakeDownsampler(config, level));
}

at::Tensor DownBlock::Forward(at::Tensor x, const at::Tensor& temb,
                              std::vector<at::Tensor>* skips) const {
  for (size_t i = 0; i < resnets_->items().size(); ++i) {
    x = resnets_->items()[i]->Forward(x, temb);
    if (attentions_) x = attentions_->items()[i]->Forward(x);
    skips->push_back(x);
  }
  if (!downsamplers_) return x;
  x = downsamplers_->items()[0]->Forward(x, temb);
  skips->push_back(x);
  return x;
}

MidBlock::MidBlock(const UnetConfig& config)
    : resnets_(register_module("resnets", std::make_shared<ModuleVector<ResnetBlock>>())),
      attentions_(register_module("attentions", std::make_shared<ModuleVector<AttentionBlock>>())) {
  const int64_t channels = config.block_out_channels.back();
  ResnetBlock::Options resnet = ResnetOptions(config, channels, channels);
  resnet.output_scale_factor = config.mid_block_scale_factor;
  resnets_->Add(std::make_shared<ResnetBlock>(resnet));
  resnets_->Add(std::make_shared<ResnetBlock>(resnet));
  if (!config.add_attention) return;
  AttentionBlock::Options attention = AttentionOptions(config, channels, config.num_heads);
  attention.output_scale_factor = config.mid_block_scale_factor;
  attention.num_groups = config.attn_norm_num_groups;
  if (!attention.num_groups && config.resnet_time_scale_shift == TimeScaleShift::kDefault) {
    attention.num_groups = config.norm_num_groups;
  }
  attentions_->Add(std::make_shared<AttentionBlock>(attention));
}

at::Tensor MidBlock::Forward(const at::Tensor& x, const at::Tensor& temb) const {
  at::Tensor h = resnets_->items()[0]->Forward(x, temb);
  for (const auto& attention : attentions_->items()) h = attention->Forward(h);
  return resnets_->items()[1]->Forward(h, temb);
}

UpBlock::UpBlock(const UnetConfig& config, size_t index)
    : resnets_(register_module("resnets", std::make_shared<ModuleVector<ResnetBlock>>())) {
  const int64_t out = UpChannels(config, index);
  const int64_t before = index == 0 ? out : UpChannels(config, index - 1);
  const int64_t last_skip = UpChannels(config, index + 1);
  if (config.up_block_types[index] == BlockType::kAttention) {
    attentions_ = register_module("attentions", std::make_shared<ModuleVector<AttentionBlock>>());
  }
  for (int64_t i = 0; i <= config.layers_per_block; ++i) {
    const int64_t skip = i == config.layers_per_block ? last_skip : out;
    const int64_t in = (i == 0 ? before : out) + skip;
    resnets_->Add(std::make_shared<ResnetBlock>(ResnetOptions(config, in, out)));
    if (attentions_) {
      attentions_->Add(
          std::make_shared<AttentionBlock>(AttentionOptions(config, out, config.num_heads_up)));
    }
  }
  if (index + 1 == config.block_out_channels.size()) return;
  upsamplers_ = register_module("upsamplers", std::make_shared<ModuleVector<TimedModule>>());
  upsamplers_->Add(MakeUpsampler(config, index, out));
}

at::Tensor UpBlock::Forward(at::Tensor x, const at::Tensor& temb,
                            std::vector<at::Tensor>* skips) const {
  for (size_t i = 0; i < resnets_->items().size(); ++i) {
    const at::Tensor joined = at::cat({x, skips->back()}, 1);
    skips->pop_back();
    x = resnets_->items()[i]->Forward(joined, temb);
    if (attentions_) x = attentions_->items()[i]->Forward(x);
  }
  return upsamplers_ ? upsamplers_->items()[0]->Forward(x, temb) : x;
}

}  // namespace tweedie::nn
