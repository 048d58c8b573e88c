#include "core/weights/dialects/diffusers_config.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/json_fields.h"
#include "core/weights/dialects/limits.h"

namespace tweedie {
namespace {

using nn::Activation;
using nn::BlockType;
using nn::ClassEmbedding;
using nn::Resampling;
using nn::TimeEmbedding;
using nn::TimeScaleShift;
using nn::UnetConfig;

constexpr int64_t kMaxRows = 10'000'000;  // of an embedding table

absl::Status ReadSampleSize(JsonFields& fields, UnetConfig* config) {
  if (!fields.Has("sample_size")) return absl::OkStatus();
  std::optional<int64_t> side;
  const absl::Status as_number = fields.Integer("sample_size", 1, kMaxSide, &side);
  if (as_number.ok()) {
    if (side) config->sample_size = {*side, *side};
    return absl::OkStatus();
  }
  std::vector<int64_t> sides;
  if (!fields.Integers("sample_size", 1, kMaxSide, 2, &sides).ok() || sides.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(as_number.message(), " (or null, or a list of two such numbers)"));
  }
  config->sample_size = {sides[0], sides[1]};
  return absl::OkStatus();
}

absl::Status ReadInputAndOutput(JsonFields& fields, UnetConfig* config) {
  std::string class_name = "UNet2DModel";
  RETURN_IF_ERROR(fields.String("_class_name", &class_name));
  if (class_name != "UNet2DModel") {
    return FieldError("_class_name",
                      absl::StrCat("must be UNet2DModel; was ", class_name.substr(0, 80)));
  }
  RETURN_IF_ERROR(ReadSampleSize(fields, config));
  RETURN_IF_ERROR(fields.Integer("in_channels", 1, kMaxChannels, &config->in_channels));
  RETURN_IF_ERROR(fields.Integer("out_channels", 1, kMaxChannels, &config->out_channels));
  return fields.Bool("center_input_sample", &config->center_input_sample);
}

absl::Status ReadTimeEmbedding(JsonFields& fields, UnetConfig* config) {
  RETURN_IF_ERROR(fields.Enum<TimeEmbedding>("time_embedding_type",
                                             {{"positional", TimeEmbedding::kPositional},
                                              {"fourier", TimeEmbedding::kFourier},
                                              {"learned", TimeEmbedding::kLearned}},
                                             &config->time_embedding_type));
  RETURN_IF_ERROR(
      fields.Integer("time_embedding_dim", 1, 4 * kMaxChannels, &config->time_embedding_dim));
  RETURN_IF_ERROR(fields.Number("freq_shift", -1e6, 1e6, &config->freq_shift));
  RETURN_IF_ERROR(fields.Bool("flip_sin_to_cos", &config->flip_sin_to_cos));
  std::optional<int64_t> num_timesteps;
  RETURN_IF_ERROR(fields.Integer("num_train_timesteps", 1, kMaxRows, &num_timesteps));
  config->num_train_timesteps = num_timesteps.value_or(0);
  if (config->time_embedding_type == TimeEmbedding::kLearned && !num_timesteps) {
    return FieldError("num_train_timesteps", "must be given for a learned time embedding");
  }
  return absl::OkStatus();
}

// Old files say UNetResDownBlock2D for DownBlock2D.
absl::Status ReadBlockTypes(JsonFields& fields, const char* key, bool down,
                            std::vector<BlockType>* types) {
  const JsonFields::Names<BlockType> names = {
      {down ? "DownBlock2D" : "UpBlock2D", BlockType::kPlain},
      {down ? "AttnDownBlock2D" : "AttnUpBlock2D", BlockType::kAttention},
      {down ? "ResnetDownsampleBlock2D" : "ResnetUpsampleBlock2D", BlockType::kResnet}};
  if (!fields.Has(key)) return absl::OkStatus();
  std::vector<std::string> met;
  RETURN_IF_ERROR(fields.Strings(key, kMaxLevels, &met));
  types->clear();
  for (const std::string& name : met) {
    const absl::string_view type = absl::StripPrefix(name, "UNetRes");
    if (absl::StrContains(type, "Skip")) {
      return FieldError(key, absl::StrCat("has ", type.substr(0, 80),
                                          ", a score-SDE block with FIR filters, which is not "
                                          "supported"));
    }
    RETURN_IF_ERROR(JsonFields::Choose(key, type, names, &types->emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status ReadResampling(JsonFields& fields, const char* key, Resampling* resampling) {
  if (fields.IsNull(key)) {
    std::optional<int64_t> null;  // diffusers takes it for "conv"
    return fields.Integer(key, 0, 0, &null);
  }
  return fields.Enum<Resampling>(
      key, {{"conv", Resampling::kConv}, {"resnet", Resampling::kResnet}}, resampling);
}

absl::Status ReadMidBlock(JsonFields& fields, UnetConfig* config) {
  if (fields.IsNull("mid_block_type")) {
    config->has_mid_block = false;
    std::optional<int64_t> null;
    RETURN_IF_ERROR(fields.Integer("mid_block_type", 0, 0, &null));
  } else {
    RETURN_IF_ERROR(
        fields.Enum<bool>("mid_block_type", {{"UNetMidBlock2D", true}}, &config->has_mid_block));
  }
  RETURN_IF_ERROR(fields.Bool("add_attention", &config->add_attention));
  return fields.Number("mid_block_scale_factor", 1e-6, 1e6, &config->mid_block_scale_factor);
}

absl::Status ReadBlocks(JsonFields& fields, UnetConfig* config) {
  RETURN_IF_ERROR(
      ReadBlockTypes(fields, "down_block_types", /*down=*/true, &config->down_block_types));
  RETURN_IF_ERROR(
      ReadBlockTypes(fields, "up_block_types", /*down=*/false, &config->up_block_types));
  RETURN_IF_ERROR(fields.Integers("block_out_channels", 1, kMaxChannels, kMaxLevels,
                                  &config->block_out_channels));
  RETURN_IF_ERROR(fields.Integer("layers_per_block", 1, 64, &config->layers_per_block));
  RETURN_IF_ERROR(ReadMidBlock(fields, config));
  // Others change sizes so that the way up no longer fits.
  RETURN_IF_ERROR(fields.Integer("downsample_padding", 0, 1, &config->downsample_padding));
  RETURN_IF_ERROR(ReadResampling(fields, "downsample_type", &config->downsample_type));
  return ReadResampling(fields, "upsample_type", &config->upsample_type);
}

absl::Status ReadLayers(JsonFields& fields, UnetConfig* config) {
  double dropout = 0;  // has no effect when sampling
  RETURN_IF_ERROR(fields.Number("dropout", 0, 1, &dropout));
  RETURN_IF_ERROR(fields.Enum<Activation>("act_fn",
                                          {{"silu", Activation::kSilu},
                                           {"swish", Activation::kSilu},
                                           {"mish", Activation::kMish},
                                           {"gelu", Activation::kGelu},
                                           {"relu", Activation::kRelu}},
                                          &config->act_fn));
  RETURN_IF_ERROR(
      fields.Integer("attention_head_dim", 1, kMaxChannels, &config->attention_head_dim));
  RETURN_IF_ERROR(fields.Integer("norm_num_groups", 1, kMaxChannels, &config->norm_num_groups));
  RETURN_IF_ERROR(
      fields.Integer("attn_norm_num_groups", 1, kMaxChannels, &config->attn_norm_num_groups));
  RETURN_IF_ERROR(fields.Number("norm_eps", 0, 1, &config->norm_eps));
  return fields.Enum<TimeScaleShift>(
      "resnet_time_scale_shift",
      {{"default", TimeScaleShift::kDefault}, {"scale_shift", TimeScaleShift::kScaleShift}},
      &config->resnet_time_scale_shift);
}

absl::Status ReadClasses(JsonFields& fields, UnetConfig* config) {
  std::optional<int64_t> num_classes;
  RETURN_IF_ERROR(fields.Integer("num_class_embeds", 1, kMaxRows, &num_classes));
  config->num_class_embeds = num_classes.value_or(0);
  if (!fields.Has("class_embed_type") || fields.IsNull("class_embed_type")) {
    if (num_classes) config->class_embed_type = ClassEmbedding::kTable;
    std::optional<int64_t> null;
    return fields.Integer("class_embed_type", 0, 0, &null);
  }
  return fields.Enum<ClassEmbedding>(
      "class_embed_type",
      {{"timestep", ClassEmbedding::kTimestep}, {"identity", ClassEmbedding::kIdentity}},
      &config->class_embed_type);
}

absl::Status CheckLevels(const UnetConfig& config) {
  const size_t num_levels = config.block_out_channels.size();
  if (num_levels == 0) return FieldError("block_out_channels", "must not be empty");
  if (config.down_block_types.size() != num_levels || config.up_block_types.size() != num_levels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "down_block_types, up_block_types and block_out_channels must have one entry a level; "
        "have ",
        config.down_block_types.size(), ", ", config.up_block_types.size(), " and ", num_levels));
  }
  const int64_t factor = int64_t{1} << (num_levels - 1);
  for (const int64_t side : config.sample_size) {
    if (side % factor == 0) continue;
    return FieldError("sample_size", absl::StrCat("must be a multiple of ", factor, " for ",
                                                  num_levels, " levels; was ", side));
  }
  return absl::OkStatus();
}

absl::Status CheckAttention(const UnetConfig& config, int64_t channels) {
  if (config.attention_head_dim.value_or(1) <= channels) return absl::OkStatus();
  return FieldError("attention_head_dim",
                    absl::StrCat("must be at most the ", channels,
                                 " channels of each attention; was ", *config.attention_head_dim));
}

absl::Status CheckChannels(const UnetConfig& config) {
  const size_t last = config.block_out_channels.size() - 1;
  for (size_t i = 0; i <= last; ++i) {
    const int64_t channels = config.block_out_channels[i];
    if (channels % config.norm_num_groups != 0) {
      return FieldError("norm_num_groups",
                        absl::StrCat("must divide every level's channels; ", config.norm_num_groups,
                                     " does not divide ", channels));
    }
    if (config.down_block_types[i] == BlockType::kAttention ||
        config.up_block_types[last - i] == BlockType::kAttention ||
        (i == last && config.has_mid_block && config.add_attention)) {
      RETURN_IF_ERROR(CheckAttention(config, channels));
    }
  }
  if (config.attn_norm_num_groups &&
      config.block_out_channels[last] % *config.attn_norm_num_groups != 0) {
    return FieldError(
        "attn_norm_num_groups",
        absl::StrCat("must divide the coarsest level's channels, ", config.block_out_channels[last],
                     "; was ", *config.attn_norm_num_groups));
  }
  return absl::OkStatus();
}

absl::Status CheckEmbeddings(const UnetConfig& config) {
  const double half = static_cast<double>(config.block_out_channels[0] / 2);
  if (config.time_embedding_type == TimeEmbedding::kPositional && config.freq_shift >= half) {
    return FieldError("freq_shift", absl::StrCat("must be below half of the first level's ",
                                                 config.block_out_channels[0], " channels; was ",
                                                 config.freq_shift));
  }
  if (config.time_embedding_type == TimeEmbedding::kLearned &&
      config.class_embed_type == ClassEmbedding::kTimestep &&
      config.num_class_embeds > config.num_train_timesteps) {
    return FieldError(
        "num_class_embeds",
        absl::StrCat("must be at most num_train_timesteps, ", config.num_train_timesteps,
                     ", whose table embeds them; was ", config.num_class_embeds));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UnetConfig> ParseUnetConfig(absl::string_view json) {
  ASSIGN_OR_RETURN(JsonFields fields, JsonFields::Parse(json));
  UnetConfig config;
  RETURN_IF_ERROR(ReadInputAndOutput(fields, &config));
  RETURN_IF_ERROR(ReadTimeEmbedding(fields, &config));
  RETURN_IF_ERROR(ReadBlocks(fields, &config));
  RETURN_IF_ERROR(ReadLayers(fields, &config));
  RETURN_IF_ERROR(ReadClasses(fields, &config));
  RETURN_IF_ERROR(fields.CheckAllRead());
  RETURN_IF_ERROR(CheckLevels(config));
  RETURN_IF_ERROR(CheckChannels(config));
  RETURN_IF_ERROR(CheckEmbeddings(config));
  return config;
}

}  // namespace tweedie
