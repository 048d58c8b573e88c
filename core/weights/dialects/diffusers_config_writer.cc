#include "core/weights/dialects/diffusers_config_writer.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

using nlohmann::json;
using nn::BlockType;
using nn::UnetConfig;

absl::Status Lacks(absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat("diffusers' UNet2DModel has no ", what));
}

json OrNull(const std::optional<int64_t>& value) { return value ? json(*value) : json(); }

std::vector<std::string> BlockNames(const std::vector<BlockType>& types, bool down) {
  std::vector<std::string> names;
  for (const BlockType type : types) {
    switch (type) {
      case BlockType::kPlain:
        names.emplace_back(down ? "DownBlock2D" : "UpBlock2D");
        break;
      case BlockType::kAttention:
        names.emplace_back(down ? "AttnDownBlock2D" : "AttnUpBlock2D");
        break;
      case BlockType::kResnet:
        names.emplace_back(down ? "ResnetDownsampleBlock2D" : "ResnetUpsampleBlock2D");
        break;
    }
  }
  return names;
}

const char* Name(nn::TimeEmbedding type) {
  if (type == nn::TimeEmbedding::kFourier) return "fourier";
  return type == nn::TimeEmbedding::kLearned ? "learned" : "positional";
}

const char* Name(nn::Activation activation) {
  switch (activation) {
    case nn::Activation::kMish:
      return "mish";
    case nn::Activation::kGelu:
      return "gelu";
    case nn::Activation::kRelu:
      return "relu";
    case nn::Activation::kSilu:
      break;
  }
  return "silu";
}

const char* Name(nn::Resampling resampling) {
  return resampling == nn::Resampling::kResnet ? "resnet" : "conv";
}

json ClassEmbedType(nn::ClassEmbedding type) {
  if (type == nn::ClassEmbedding::kTimestep) return "timestep";
  if (type == nn::ClassEmbedding::kIdentity) return "identity";
  return {};
}

// The channels of every attention.
std::set<int64_t> AttentionChannels(const UnetConfig& config) {
  const size_t last = config.block_out_channels.size() - 1;
  std::set<int64_t> channels;
  for (size_t i = 0; i <= last; ++i) {
    const bool level = config.down_block_types[i] == BlockType::kAttention ||
                       config.up_block_types[last - i] == BlockType::kAttention;
    const bool middle = i == last && config.has_mid_block && config.add_attention;
    if (level || middle) channels.insert(config.block_out_channels[i]);
  }
  return channels;
}

// `attention_head_dim`, where heads may be given by their number.
absl::StatusOr<std::optional<int64_t>> HeadDim(const UnetConfig& config) {
  if (!config.num_heads) return config.attention_head_dim;
  const std::set<int64_t> channels = AttentionChannels(config);
  if (channels.empty()) return config.attention_head_dim;
  if (config.num_heads_up.value_or(*config.num_heads) != *config.num_heads) {
    return Lacks("other numbers of heads on the way up");
  }
  if (channels.size() > 1) return Lacks("heads by their number, at several widths");
  return *channels.begin() / *config.num_heads;
}

absl::Status CheckExpressible(const UnetConfig& config) {
  if (config.timestep_scale != 1) return Lacks("scale of timesteps");
  if (config.time_proj_dim.value_or(config.block_out_channels[0]) != config.block_out_channels[0]) {
    return Lacks("width of its own for the embedding of timesteps");
  }
  return absl::OkStatus();
}

json SampleSize(const std::array<int64_t, 2>& size) {
  if (size[0] == 0) return {};
  return size[0] == size[1] ? json(size[0]) : json(size);
}

void WriteEmbeddings(const UnetConfig& config, json& out) {
  out["time_embedding_type"] = Name(config.time_embedding_type);
  out["time_embedding_dim"] = OrNull(config.time_embedding_dim);
  out["freq_shift"] = config.freq_shift;
  out["flip_sin_to_cos"] = config.flip_sin_to_cos;
  out["num_train_timesteps"] =
      config.num_train_timesteps == 0 ? json() : json(config.num_train_timesteps);
  out["class_embed_type"] = ClassEmbedType(config.class_embed_type);
  out["num_class_embeds"] = config.num_class_embeds == 0 ? json() : json(config.num_class_embeds);
}

void WriteBlocks(const UnetConfig& config, json& out) {
  out["down_block_types"] = BlockNames(config.down_block_types, /*down=*/true);
  out["up_block_types"] = BlockNames(config.up_block_types, /*down=*/false);
  out["mid_block_type"] = config.has_mid_block ? json("UNetMidBlock2D") : json();
  out["block_out_channels"] = config.block_out_channels;
  out["layers_per_block"] = config.layers_per_block;
  out["mid_block_scale_factor"] = config.mid_block_scale_factor;
  out["add_attention"] = config.add_attention;
  out["downsample_padding"] = config.downsample_padding;
  out["downsample_type"] = Name(config.downsample_type);
  out["upsample_type"] = Name(config.upsample_type);
}

void WriteLayers(const UnetConfig& config, json& out) {
  out["act_fn"] = Name(config.act_fn);
  out["norm_num_groups"] = config.norm_num_groups;
  out["attn_norm_num_groups"] = OrNull(config.attn_norm_num_groups);
  out["norm_eps"] = config.norm_eps;
  out["resnet_time_scale_shift"] =
      config.resnet_time_scale_shift == nn::TimeScaleShift::kScaleShift ? "scale_shift" : "default";
  out["dropout"] = 0.0;
}

const char* Name(BetaSchedule schedule) {
  switch (schedule) {
    case BetaSchedule::kScaledLinear:
      return "scaled_linear";
    case BetaSchedule::kCosine:
      return "squaredcos_cap_v2";
    case BetaSchedule::kSigmoid:
      return "sigmoid";
    case BetaSchedule::kLaplace:
      return "laplace";
    case BetaSchedule::kLinear:
      break;
  }
  return "linear";
}

const char* Name(Variance variance) {
  if (variance == Variance::kLearnedRange) return "learned_range";
  return variance == Variance::kFixedLarge ? "fixed_large" : "fixed_small";
}

const char* Name(Prediction prediction) {
  if (prediction == Prediction::kSample) return "sample";
  return prediction == Prediction::kV ? "v_prediction" : "epsilon";
}

const char* Name(Spacing spacing) {
  if (spacing == Spacing::kTrailing) return "trailing";
  return spacing == Spacing::kLinspace ? "linspace" : "leading";
}

}  // namespace

absl::StatusOr<std::string> WriteUnetConfig(const UnetConfig& config) {
  RETURN_IF_ERROR(CheckExpressible(config));
  json out = {{"_class_name", "UNet2DModel"},
              {"sample_size", SampleSize(config.sample_size)},
              {"in_channels", config.in_channels},
              {"out_channels", config.out_channels},
              {"center_input_sample", config.center_input_sample}};
  ASSIGN_OR_RETURN(const std::optional<int64_t> head_dim, HeadDim(config));
  out["attention_head_dim"] = OrNull(head_dim);
  WriteEmbeddings(config, out);
  WriteBlocks(config, out);
  WriteLayers(config, out);
  return out.dump(2) + "\n";
}

std::string WriteSchedulerConfig(const SchedulerConfig& config) {
  const json out = {
      {"_class_name", "DDPMScheduler"},
      {"num_train_timesteps", config.num_train_timesteps},
      {"beta_start", config.beta_start},
      {"beta_end", config.beta_end},
      {"beta_schedule", Name(config.beta_schedule)},
      {"trained_betas", config.trained_betas.empty() ? json() : json(config.trained_betas)},
      {"variance_type", Name(config.variance)},
      {"prediction_type", Name(config.prediction)},
      {"timestep_spacing", Name(config.spacing)},
      {"steps_offset", config.steps_offset},
      {"clip_sample", config.clip_sample},
      {"clip_sample_range", config.clip_sample_range},
      {"thresholding", config.thresholding},
      {"dynamic_thresholding_ratio", config.dynamic_thresholding_ratio},
      {"sample_max_value", config.sample_max_value},
      {"rescale_betas_zero_snr", config.rescale_betas_zero_snr}};
  return out.dump(2) + "\n";
}

}  // namespace tweedie
