#include "core/weights/dialects/ho_unet.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/limits.h"
#include "core/weights/dialects/tensor_shapes.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxBlocks = 64;

void Layer(const std::string& ours, const std::string& theirs, KeyMap* map) {
  AddLayer(ours, {.key = theirs}, map);
}

void Resnet(const std::string& ours, const std::string& theirs, KeyMap* map) {
  Layer(ours + ".norm1", theirs + ".norm1", map);
  Layer(ours + ".conv1", theirs + ".conv1", map);
  Layer(ours + ".time_emb_proj", theirs + ".temb_proj", map);
  Layer(ours + ".norm2", theirs + ".norm2", map);
  Layer(ours + ".conv2", theirs + ".conv2", map);
  Layer(ours + ".conv_shortcut", theirs + ".nin_shortcut", map);
}

void Attention(const std::string& ours, const std::string& theirs, KeyMap* map) {
  Layer(ours + ".group_norm", theirs + ".norm", map);
  for (const auto& [to, from] :
       {std::pair{".to_q", ".q"}, {".to_k", ".k"}, {".to_v", ".v"}, {".to_out.0", ".proj_out"}}) {
    AddLayer(ours + to, {.key = theirs + from, .form = Form::kPointwise}, map);
  }
}

// A level's residual blocks and attentions, on one way.
void Level(const std::string& ours, const std::string& theirs, int64_t num_blocks, KeyMap* map) {
  for (int64_t i = 0; i < num_blocks; ++i) {
    Resnet(absl::StrCat(ours, ".resnets.", i), absl::StrCat(theirs, ".block.", i), map);
    Attention(absl::StrCat(ours, ".attentions.", i), absl::StrCat(theirs, ".attn.", i), map);
  }
}

}  // namespace

absl::StatusOr<HoUnet> InferHoUnet(const Tensors& tensors) {
  TensorShapes shapes(tensors);
  HoUnet unet;
  unet.in_channels = shapes.Size("conv_in.weight", 1);
  unet.out_channels = shapes.Size("conv_out.weight", 0);
  unet.model_channels = shapes.Size("temb.dense.0.weight", 1);
  unet.num_res_blocks = shapes.Count("down.0.block.", ".conv1.weight", kMaxBlocks);
  const int64_t levels = shapes.Count("down.", ".block.0.conv1.weight", kMaxLevels);
  for (int64_t level = 0; level < levels; ++level) {
    const std::string name = absl::StrCat("down.", level, ".");
    unet.channels.push_back(shapes.Size(name + "block.0.conv1.weight", 0));
    unet.attention.push_back(shapes.Has(name + "attn.0.q.weight"));
  }
  RETURN_IF_ERROR(shapes.status());
  if (levels == 0)
    return absl::InvalidArgumentError("tensors missing: down.0.block.0.conv1.weight");
  if (unet.channels[0] == unet.model_channels) return unet;
  return absl::InvalidArgumentError(absl::StrCat("a first level of ", unet.channels[0],
                                                 " channels behind a convolution of ",
                                                 unet.model_channels, " is not supported"));
}

nn::UnetConfig HoUnetConfig(const HoUnet& unet) {
  nn::UnetConfig config;
  config.in_channels = unet.in_channels;
  config.out_channels = unet.out_channels;
  config.freq_shift = 1;
  config.flip_sin_to_cos = false;
  config.block_out_channels = unet.channels;
  config.down_block_types.clear();
  for (const bool attention : unet.attention) {
    config.down_block_types.push_back(attention ? nn::BlockType::kAttention
                                                : nn::BlockType::kPlain);
  }
  config.up_block_types.assign(config.down_block_types.rbegin(), config.down_block_types.rend());
  config.layers_per_block = unet.num_res_blocks;
  config.downsample_padding = 0;
  config.attention_head_dim = std::nullopt;
  config.norm_eps = 1e-6;
  return config;
}

KeyMap HoKeyMap(const HoUnet& unet) {
  KeyMap map;
  Layer("conv_in", "conv_in", &map);
  Layer("time_embedding.linear_1", "temb.dense.0", &map);
  Layer("time_embedding.linear_2", "temb.dense.1", &map);
  const size_t levels = unet.channels.size();
  for (size_t level = 0; level < levels; ++level) {
    const std::string down = absl::StrCat("down_blocks.", level);
    Level(down, absl::StrCat("down.", level), unet.num_res_blocks, &map);
    Layer(down + ".downsamplers.0.conv", absl::StrCat("down.", level, ".downsample.conv"), &map);
    // Stored fine to coarse, run coarse to fine.
    const std::string up = absl::StrCat("up_blocks.", levels - 1 - level);
    Level(up, absl::StrCat("up.", level), unet.num_res_blocks + 1, &map);
    Layer(up + ".upsamplers.0.conv", absl::StrCat("up.", level, ".upsample.conv"), &map);
  }
  Resnet("mid_block.resnets.0", "mid.block_1", &map);
  Attention("mid_block.attentions.0", "mid.attn_1", &map);
  Resnet("mid_block.resnets.1", "mid.block_2", &map);
  Layer("conv_norm_out", "norm_out", &map);
  Layer("conv_out", "conv_out", &map);
  return map;
}

}  // namespace tweedie
