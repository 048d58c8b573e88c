#include "core/weights/dialects/openai_unet.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/limits.h"
#include "core/weights/dialects/tensor_shapes.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxBlocks = 12 * 65;

std::string Input(int64_t n) { return absl::StrCat("input_blocks.", n, "."); }
std::string Output(int64_t n) { return absl::StrCat("output_blocks.", n, "."); }

// Whether the output block doubles the resolution, by convolution or residually.
bool IsUp(const TensorShapes& shapes, int64_t n) {
  for (const char* last :
       {"1.conv.weight", "2.conv.weight", "1.in_layers.2.weight", "2.in_layers.2.weight"}) {
    if (shapes.Has(Output(n) + last)) return true;
  }
  return false;
}

// Sets levels and residual blocks: of L levels with R blocks each, the way up
// has L (R + 1) output blocks, and all levels but the finest end in an "up".
absl::Status InferLevels(const TensorShapes& shapes, size_t* num_levels, OpenaiUnet* unet) {
  const int64_t outputs = shapes.Count("output_blocks.", ".0.in_layers.2.weight", kMaxBlocks);
  int64_t levels = 1;
  for (int64_t n = 0; n < outputs; ++n) levels += IsUp(shapes, n) ? 1 : 0;
  if (levels > kMaxLevels || outputs % levels != 0 || outputs < 2 * levels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tensors output_blocks.* are not those of a guided-diffusion network: ", outputs,
        " blocks, of which ", levels - 1, " double the resolution"));
  }
  *num_levels = static_cast<size_t>(levels);
  unet->num_res_blocks = outputs / levels - 1;
  return absl::OkStatus();
}

// Adds rows for the parts of such a network.
class MapBuilder {
 public:
  explicit MapBuilder(bool new_order) : new_order_(new_order) {}

  void Layer(const std::string& ours, const std::string& theirs) {
    AddLayer(ours, {.key = theirs}, &map_);
  }
  void Resnet(const std::string& ours, const std::string& theirs) {
    Layer(ours + ".norm1", theirs + ".in_layers.0");
    Layer(ours + ".conv1", theirs + ".in_layers.2");
    Layer(ours + ".time_emb_proj", theirs + ".emb_layers.1");
    Layer(ours + ".norm2", theirs + ".out_layers.0");
    Layer(ours + ".conv2", theirs + ".out_layers.3");
    Layer(ours + ".conv_shortcut", theirs + ".skip_connection");
  }
  void Attention(const std::string& ours, const std::string& theirs, int64_t heads) {
    Layer(ours + ".group_norm", theirs + ".norm");
    Source qkv{.key = theirs + ".qkv",
               .form = new_order_ ? Form::kQkvByPart : Form::kQkvByHead,
               .heads = heads};
    for (const char* part : {".to_q", ".to_k", ".to_v"}) {
      AddLayer(ours + part, qkv, &map_);
      ++qkv.part;
    }
    AddLayer(ours + ".to_out.0", {.key = theirs + ".proj_out", .form = Form::kPointwise}, &map_);
  }
  void Resampler(const std::string& ours, const std::string& theirs, const char* conv) {
    Resnet(ours, theirs);
    Layer(ours + ".conv", absl::StrCat(theirs, ".", conv));
  }
  KeyMap Take() { return std::move(map_); }

 private:
  const bool new_order_;
  KeyMap map_;
};

void MapInputBlocks(const OpenaiUnet& unet, const OpenaiHeads& heads, MapBuilder* map) {
  int64_t n = 1;
  for (size_t level = 0; level < unet.channels.size(); ++level) {
    const std::string ours = absl::StrCat("down_blocks.", level);
    for (int64_t i = 0; i < unet.num_res_blocks; ++i, ++n) {
      map->Resnet(absl::StrCat(ours, ".resnets.", i), Input(n) + "0");
      map->Attention(absl::StrCat(ours, ".attentions.", i), Input(n) + "1",
                     heads.Down(unet.channels[level]));
    }
    map->Resampler(ours + ".downsamplers.0", Input(n++) + "0", "op");
  }
}

void MapOutputBlocks(const OpenaiUnet& unet, const OpenaiHeads& heads, MapBuilder* map) {
  int64_t n = 0;
  for (size_t index = 0; index < unet.channels.size(); ++index) {
    const size_t level = unet.channels.size() - 1 - index;
    const std::string ours = absl::StrCat("up_blocks.", index);
    for (int64_t i = 0; i <= unet.num_res_blocks; ++i, ++n) {
      map->Resnet(absl::StrCat(ours, ".resnets.", i), Output(n) + "0");
      map->Attention(absl::StrCat(ours, ".attentions.", i), Output(n) + "1",
                     heads.Up(unet.channels[level]));
    }
    map->Resampler(ours + ".upsamplers.0",
                   absl::StrCat(Output(n - 1), unet.attention[level] ? 2 : 1), "conv");
  }
}

}  // namespace

absl::StatusOr<OpenaiUnet> InferOpenaiUnet(const Tensors& tensors) {
  TensorShapes shapes(tensors);
  OpenaiUnet unet;
  size_t num_levels = 0;
  RETURN_IF_ERROR(InferLevels(shapes, &num_levels, &unet));
  unet.in_channels = shapes.Size("input_blocks.0.0.weight", 1);
  unet.out_channels = shapes.Size("out.2.weight", 0);
  unet.model_channels = shapes.Size("time_embed.0.weight", 1);
  if (shapes.Has("label_emb.weight")) unet.num_classes = shapes.Size("label_emb.weight", 0);
  const int64_t blocks_per_level = unet.num_res_blocks + 1;
  for (size_t level = 0; level < num_levels; ++level) {
    const std::string first = Input(1 + static_cast<int64_t>(level) * blocks_per_level);
    unet.channels.push_back(shapes.Size(first + "0.out_layers.3.weight", 0));
    unet.attention.push_back(shapes.Has(first + "1.qkv.weight"));
  }
  unet.scale_shift = shapes.Size("input_blocks.1.0.emb_layers.1.weight", 0) == 2 * unet.channels[0];
  unet.resblock_updown = num_levels > 1 && !shapes.Has(Input(blocks_per_level) + "0.op.weight");
  RETURN_IF_ERROR(shapes.status());
  return unet;
}

nn::UnetConfig OpenaiUnetConfig(const OpenaiUnet& unet, const OpenaiHeads& heads) {
  const nn::BlockType plain = unet.resblock_updown ? nn::BlockType::kResnet : nn::BlockType::kPlain;
  nn::UnetConfig config;
  config.in_channels = unet.in_channels;
  config.out_channels = unet.out_channels;
  config.time_embedding_dim = 4 * unet.model_channels;
  config.time_proj_dim = unet.model_channels;
  config.block_out_channels = unet.channels;
  config.down_block_types.clear();
  for (const bool attention : unet.attention) {
    config.down_block_types.push_back(attention ? nn::BlockType::kAttention : plain);
  }
  config.up_block_types.assign(config.down_block_types.rbegin(), config.down_block_types.rend());
  config.layers_per_block = unet.num_res_blocks;
  config.downsample_type = config.upsample_type =
      unet.resblock_updown ? nn::Resampling::kResnet : nn::Resampling::kConv;
  config.attention_head_dim = heads.head_channels;
  if (!heads.head_channels) {
    config.num_heads = heads.num_heads;
    config.num_heads_up = heads.num_heads_up;
  }
  config.attn_norm_num_groups = config.norm_num_groups;
  config.resnet_time_scale_shift =
      unet.scale_shift ? nn::TimeScaleShift::kScaleShift : nn::TimeScaleShift::kDefault;
  if (unet.num_classes > 0) config.class_embed_type = nn::ClassEmbedding::kTable;
  config.num_class_embeds = unet.num_classes;
  return config;
}

KeyMap OpenaiKeyMap(const OpenaiUnet& unet, const OpenaiHeads& heads) {
  MapBuilder map(heads.new_order);
  map.Layer("conv_in", "input_blocks.0.0");
  map.Layer("time_embedding.linear_1", "time_embed.0");
  map.Layer("time_embedding.linear_2", "time_embed.2");
  map.Layer("class_embedding", "label_emb");
  MapInputBlocks(unet, heads, &map);
  map.Resnet("mid_block.resnets.0", "middle_block.0");
  map.Attention("mid_block.attentions.0", "middle_block.1", heads.Down(unet.channels.back()));
  map.Resnet("mid_block.resnets.1", "middle_block.2");
  MapOutputBlocks(unet, heads, &map);
  map.Layer("conv_norm_out", "out.0");
  map.Layer("conv_out", "out.2");
  return map.Take();
}

}  // namespace tweedie
