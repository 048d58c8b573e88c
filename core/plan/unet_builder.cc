#include "core/plan/unet_builder.h"

#include "absl/strings/str_cat.h"

namespace tweedie::plan {

void UnetBuilder::Keep(const Features& x) {
  writer().Keep(x);
  skips_.push_back(x);
}

int64_t UnetBuilder::HeadDim(const Features& x, const std::optional<int64_t>& num_heads) const {
  return num_heads ? x.channels / *num_heads : config_.attention_head_dim.value_or(x.channels);
}

Features UnetBuilder::Attend(const std::string& block, int64_t i, const Features& x,
                             const std::optional<int64_t>& num_heads) {
  return blocks_.Attention(
      absl::StrCat(block, ".attentions.", i), x,
      {.head_dim = HeadDim(x, num_heads), .num_groups = config_.norm_num_groups});
}

Features UnetBuilder::First(int64_t height, int64_t width) {
  const Features image = writer().New(config_.in_channels, height, width);
  const bool centre = config_.center_input_sample;
  writer().Input(image, centre ? 2.0f : 1.0f, centre ? -1.0f : 0.0f);
  const Features x = writer().New(config_.block_out_channels[0], height, width);
  writer().Convolve(blocks_.Layer("conv_in", image, x));
  writer().Release(image);
  Keep(x);
  return x;
}

Features UnetBuilder::DownBlock(size_t level, Features x) {
  const std::string block = absl::StrCat("down_blocks.", level);
  for (int64_t i = 0; i < config_.layers_per_block; ++i) {
    x = blocks_.Resnet(absl::StrCat(block, ".resnets.", i), {x}, {});
    if (config_.down_block_types[level] == nn::BlockType::kAttention) {
      x = Attend(block, i, x, config_.num_heads);
    }
    Keep(x);
  }
  if (level + 1 == config_.block_out_channels.size()) return x;
  x = blocks_.Down(block + ".downsamplers.0", x);
  Keep(x);
  return x;
}

Features UnetBuilder::MidBlock(Features x) {
  const double factor = config_.mid_block_scale_factor;
  x = blocks_.Resnet("mid_block.resnets.0", {x}, {.factor = factor});
  if (config_.add_attention) {
    std::optional<int64_t> groups = config_.attn_norm_num_groups;
    if (!groups && config_.resnet_time_scale_shift == nn::TimeScaleShift::kDefault) {
      groups = config_.norm_num_groups;
    }
    x = blocks_.Attention(
        "mid_block.attentions.0", x,
        {.head_dim = HeadDim(x, config_.num_heads), .num_groups = groups, .factor = factor});
  }
  return blocks_.Resnet("mid_block.resnets.1", {x}, {.factor = factor});
}

Features UnetBuilder::UpBlock(size_t index, Features x) {
  const std::string block = absl::StrCat("up_blocks.", index);
  for (int64_t i = 0; i <= config_.layers_per_block; ++i) {
    x = blocks_.Resnet(absl::StrCat(block, ".resnets.", i), {x, skips_.back()}, {});
    skips_.pop_back();
    if (config_.up_block_types[index] == nn::BlockType::kAttention) {
      x = Attend(block, i, x, config_.num_heads_up);
    }
  }
  if (index + 1 == config_.block_out_channels.size()) return x;
  return blocks_.Up(block + ".upsamplers.0", x);
}

void UnetBuilder::Last(const Features& x) {
  const Features normed = blocks_.Norm(
      "conv_norm_out", {x}, {.num_groups = config_.norm_num_groups, .type = writer().factors()});
  writer().Release(x);
  const Features out = writer().New(config_.out_channels, x.height, x.width);
  writer().Convolve(blocks_.Layer("conv_out", normed, out));
  writer().Release(normed);
  // The timestep is the last of the time vector.
  const bool divided = config_.time_embedding_type == nn::TimeEmbedding::kFourier;
  writer().Output(out, divided ? blocks_.time_size() : -1);
  writer().Release(out);
}

PlanWriter::Written UnetBuilder::Build(int64_t height, int64_t width) {
  Features x = First(height, width);
  const size_t levels = config_.block_out_channels.size();
  for (size_t level = 0; level < levels; ++level) x = DownBlock(level, x);
  if (config_.has_mid_block) x = MidBlock(x);
  for (size_t index = 0; index < levels; ++index) x = UpBlock(index, x);
  Last(x);
  return writer().Finish();
}

}  // namespace tweedie::plan
