// denoising-diffusion-pytorch: the arguments of its Unet, by their names.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/nn/lucidrains_unet.h"
#include "core/weights/dialects/limits.h"
#include "core/weights/dialects/lucidrains_diffusion.h"
#include "core/weights/dialects/lucidrains_file.h"
#include "core/weights/dialects/plans.h"

namespace tweedie {
namespace {

constexpr char kDialect[] = "denoising-diffusion-pytorch";

// A release as one number: 1.8.6 is 1'008'006.
absl::StatusOr<int> ParseVersion(const std::string& text) {
  int version = 0, count = 0;
  for (const absl::string_view part : absl::StrSplit(text, '.')) {
    int number = 0;
    if (++count > 3 || !absl::SimpleAtoi(part, &number) || number < 0 || number > 999) {
      return FieldError("version", absl::StrCat("must be like 1.8.6; was ", text.substr(0, 40)));
    }
    version = version * 1000 + number;
  }
  for (; count < 3; ++count) version *= 1000;
  return version;
}

constexpr int kPlainAttention = 28'000;  // 0.28.0; cosine similarity before
constexpr int kRmsNorm = 1'007'001;      // 1.7.1; between it and the next,
constexpr int kUnwrapped = 1'008'000;    // 1.8.0, releases differ invisibly

// Sets what the names of a release before 1.8.0 do not show. Returns whether its
// convolutions are weight-standardised.
absl::StatusOr<bool> ReadRelease(Arguments& arguments, const std::string& file_version,
                                 LucidrainsFile* file) {
  std::string text;
  RETURN_IF_ERROR(arguments.values().String("version", &text));
  if (text.empty() && !file->wrapped) return false;
  if (text.empty() && !file_version.empty()) {
    text = file_version;
    arguments.Assume(absl::StrCat("version ", text, " (said beside the weights, in their file)"));
  }
  if (text.empty()) {
    return FieldError("version",
                      "must be given: the names are of a release before 1.8.0, and those "
                      "differ in ways that the weights do not tell");
  }
  ASSIGN_OR_RETURN(const int version, ParseVersion(text));
  if ((version < kUnwrapped) != file->wrapped) {
    return FieldError("version", absl::StrCat("is ", text, ", but the names of the weights are of ",
                                              file->wrapped ? "a release before" : "", " 1.8.0",
                                              file->wrapped ? "" : " or later"));
  }
  if (!file->wrapped) return false;
  if (version < kPlainAttention || version >= kRmsNorm) {
    return FieldError("version", absl::StrCat("must be in 0.28.0 to 1.7.0 or from 1.8.0 on: others "
                                              "are not supported; was ",
                                              text));
  }
  file->config.attention_norm = nn::FeatureNormKind::kLayer;
  file->config.scale_values = true;
  return true;
}

absl::Status WrongHeads(const char* key, double said, int64_t of_weights) {
  return FieldError(key, absl::StrCat("is ", said, ", but the weights say ", of_weights));
}

// One number for all levels, or one a level; `otherwise` if not given.
absl::StatusOr<std::vector<double>> PerLevel(Arguments& arguments, const char* key, size_t levels,
                                             double otherwise) {
  ASSIGN_OR_RETURN(std::vector<double> numbers, arguments.List(key));
  if (numbers.empty()) numbers = {otherwise};
  if (numbers.size() == 1) numbers.resize(levels, numbers[0]);
  if (numbers.size() == levels) return numbers;
  return FieldError(key,
                    absl::StrCat("must have one value, or ", levels, "; had ", numbers.size()));
}

absl::Status ReadHeads(Arguments& arguments, LucidrainsFile* file) {
  const bool known = file->config.num_mem_kv > 0;
  const size_t levels = file->hidden.size();
  if (!known && !arguments.Has("attn_heads")) arguments.AssumeDefault("attn_heads", "4");
  ASSIGN_OR_RETURN(const std::vector<double> heads, PerLevel(arguments, "attn_heads", levels, 4));
  ASSIGN_OR_RETURN(const std::vector<double> dims,
                   PerLevel(arguments, "attn_dim_head", levels, 32));
  for (size_t level = 0; level < levels; ++level) {
    nn::LucidrainsAttention& attention = file->config.attention[level];
    if (known && arguments.Has("attn_heads") &&
        heads[level] != static_cast<double>(attention.heads)) {
      return WrongHeads("attn_heads", heads[level], attention.heads);
    }
    if (!known) attention.heads = static_cast<int64_t>(std::min(heads[level], 1e6));
    if (attention.heads < 1 || file->hidden[level] % attention.heads != 0) {
      return FieldError("attn_heads",
                        absl::StrCat("must divide the ", file->hidden[level],
                                     " channels of an attention; was ", attention.heads));
    }
    attention.head_dim = file->hidden[level] / attention.heads;
    if (arguments.Has("attn_dim_head") && dims[level] != static_cast<double>(attention.head_dim)) {
      return WrongHeads("attn_dim_head", dims[level], attention.head_dim);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadBlocks(Arguments& arguments, nn::LucidrainsConfig* config) {
  if (!config->num_learned_frequencies) {
    RETURN_IF_ERROR(arguments.Number("sinusoidal_pos_emb_theta", 1, 1e9, &config->theta));
  }
  if (config->block_norm != nn::FeatureNormKind::kGroup) return absl::OkStatus();
  RETURN_IF_ERROR(
      arguments.Integer("resnet_block_groups", 1, kMaxChannels, &config->block_norm_groups));
  std::vector<int64_t> widths = config->level_dims;
  widths.push_back(config->init_dim);
  for (const int64_t width : widths) {
    if (width % config->block_norm_groups == 0) continue;
    return FieldError("resnet_block_groups",
                      absl::StrCat("must divide the ", width, " channels of a level; was ",
                                   config->block_norm_groups));
  }
  return absl::OkStatus();
}

absl::Status AgreeOnShape(Arguments& arguments, const nn::LucidrainsConfig& config) {
  RETURN_IF_ERROR(arguments.Agree("dim", config.dim));
  RETURN_IF_ERROR(arguments.Agree("init_dim", config.init_dim));
  RETURN_IF_ERROR(arguments.Agree("channels", config.in_channels));
  RETURN_IF_ERROR(arguments.Agree("out_dim", config.out_channels));
  RETURN_IF_ERROR(
      arguments.Agree("learned_variance", config.out_channels == 2 * config.in_channels));
  ASSIGN_OR_RETURN(const std::vector<double> multipliers, arguments.List("dim_mults"));
  if (!multipliers.empty()) {
    RETURN_IF_ERROR(AgreeMultipliers("dim_mults", multipliers, config.dim, config.level_dims));
  }
  RETURN_IF_ERROR(arguments.MustBe("self_condition", false));
  // Dropout and the like have no effect; the others are what the tensors say.
  arguments.Skip({"dropout", "flash_attn", "full_attn", "learned_sinusoidal_cond",
                  "random_fourier_features", "learned_sinusoidal_dim"});
  return absl::OkStatus();
}

absl::Status ReadImageSize(Arguments& arguments, size_t levels, ModelPlan* plan) {
  ASSIGN_OR_RETURN(std::vector<double> sides, arguments.List("image_size"));
  if (sides.size() == 1) sides.push_back(sides[0]);
  if (sides.size() != 2) {
    return FieldError("image_size",
                      "must be given, a side or [height, width]: the weights do not "
                      "tell");
  }
  const int64_t factor = int64_t{1} << (levels - 1);
  for (size_t i = 0; i < 2; ++i) {
    const int64_t side = static_cast<int64_t>(std::min<double>(sides[i], kMaxSide + 1));
    if (side > kMaxSide || static_cast<double>(side) != sides[i] || side % factor != 0) {
      return FieldError("image_size", absl::StrCat("must be multiples of ", factor, " up to ",
                                                   kMaxSide, "; was ", sides[i]));
    }
    plan->image_shape[i + 1] = side;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelPlan> PlanLucidrains(const Tensors& tensors, ModelSettings settings) {
  RETURN_IF_ERROR(CheckDialect(settings, kDialect));
  ASSIGN_OR_RETURN(LucidrainsFile file, InferLucidrainsFile(tensors));
  Arguments arguments(std::move(settings.values), kDialect);
  ModelPlan plan;
  plan.dialect = kDialect;
  plan.image_shape[0] = file.config.in_channels;
  plan.learned_variance = file.config.out_channels == 2 * file.config.in_channels;
  RETURN_IF_ERROR(ReadImageSize(arguments, file.config.level_dims.size(), &plan));
  ASSIGN_OR_RETURN(const bool standardized, ReadRelease(arguments, settings.file_version, &file));
  RETURN_IF_ERROR(AgreeOnShape(arguments, file.config));
  RETURN_IF_ERROR(ReadHeads(arguments, &file));
  RETURN_IF_ERROR(ReadBlocks(arguments, &file.config));
  RETURN_IF_ERROR(ReadLucidrainsDiffusion(arguments, file, tensors, &plan));
  ASSIGN_OR_RETURN(plan.assumptions, arguments.Finish());
  plan.network = std::make_shared<nn::LucidrainsUnet>(file.config);
  plan.map = LucidrainsKeyMap(file, *plan.network, standardized);
  plan.ignored = LucidrainsIgnored(file, tensors);
  return plan;
}

}  // namespace tweedie
