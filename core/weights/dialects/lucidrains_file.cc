#include "core/weights/dialects/lucidrains_file.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/nn/network.h"
#include "core/weights/dialects/limits.h"
#include "core/weights/dialects/tensor_shapes.h"

namespace tweedie {
namespace {

constexpr std::array<const char*, 14> kBuffers = {"betas",
                                                  "alphas_cumprod",
                                                  "alphas_cumprod_prev",
                                                  "sqrt_alphas_cumprod",
                                                  "sqrt_one_minus_alphas_cumprod",
                                                  "log_one_minus_alphas_cumprod",
                                                  "sqrt_recip_alphas_cumprod",
                                                  "sqrt_recipm1_alphas_cumprod",
                                                  "posterior_variance",
                                                  "posterior_log_variance_clipped",
                                                  "posterior_mean_coef1",
                                                  "posterior_mean_coef2",
                                                  "loss_weight",
                                                  "p2_loss_weight"};

// Sizes of one attention, and whether it is linear.
class AttentionReader {
 public:
  AttentionReader(TensorShapes* shapes, const std::string& name, bool wrapped)
      : shapes_(*shapes), inner_(name + (wrapped ? "fn.fn." : "")) {}

  int64_t Hidden() { return shapes_.Size(inner_ + "to_qkv.weight", 0) / 3; }
  nn::LucidrainsAttention Read(int64_t* num_mem_kv) {
    nn::LucidrainsAttention attention{.full = shapes_.Has(inner_ + "to_out.weight")};
    const std::string memory = inner_ + "mem_kv";
    if (!shapes_.Has(memory)) {
      *num_mem_kv = 0;
      return attention;
    }
    attention.heads = shapes_.Size(memory, 1);
    attention.head_dim = shapes_.Size(memory, attention.full ? 3 : 2);
    *num_mem_kv = shapes_.Size(memory, attention.full ? 2 : 3);
    return attention;
  }

 private:
  TensorShapes& shapes_;
  const std::string inner_;
};

void InferTime(TensorShapes& shapes, const std::string& prefix, nn::LucidrainsConfig* config) {
  config->dim = shapes.Size(prefix + "time_mlp.3.weight", 0) / 4;
  if (!shapes.Has(prefix + "time_mlp.0.weights")) return;
  config->num_learned_frequencies = shapes.Size(prefix + "time_mlp.0.weights", 0);
}

void InferLevels(TensorShapes& shapes, LucidrainsFile* file) {
  nn::LucidrainsConfig& config = file->config;
  const std::string downs = file->network_prefix + "downs.";
  const int64_t levels = shapes.Count(downs, ".0.block1.proj.weight", kMaxLevels);
  config.level_dims.clear();
  for (int64_t level = 0; level < levels; ++level) {
    const std::string name = absl::StrCat(downs, level, ".");
    const bool patches = shapes.Has(name + "3.1.weight");
    if (level == 0) config.patch_down = patches || levels == 1;
    config.level_dims.push_back(shapes.Size(name + (patches ? "3.1.weight" : "3.weight"), 0));
    AttentionReader attention(&shapes, name + "2.", file->wrapped);
    config.attention.push_back(attention.Read(&config.num_mem_kv));
    file->hidden.push_back(attention.Hidden());
  }
}

at::Tensor Find(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  return found == tensors.end() || found->second.dim() != 1 ? at::Tensor()
                                                            : found->second.to(at::kDouble);
}

// Whether the convolution `downs.i.3` or `ups.i.3` follows another module, which
// all but the last do.
bool FollowsModule(absl::string_view name, absl::string_view way, size_t num_levels) {
  int64_t index = 0;
  if (!absl::ConsumePrefix(&name, way)) return false;
  const size_t dot = name.find('.');
  return dot != absl::string_view::npos && absl::StartsWith(name.substr(dot), ".3.") &&
         absl::SimpleAtoi(name.substr(0, dot), &index) &&
         index + 1 < static_cast<int64_t>(num_levels);
}

bool IsInAttention(absl::string_view name) {
  return absl::StartsWith(name, "mid_attn.") || absl::StrContains(name, ".2.norm.") ||
         absl::StrContains(name, ".2.to_");
}

}  // namespace

std::optional<std::string> FindLucidrainsPrefix(const Tensors& tensors) {
  for (const char* prefix : {"ema_model.model.", "ema_model.", "model.", ""}) {
    const auto has = [&](const char* name) {
      return tensors.count(absl::StrCat(prefix, name)) > 0;
    };
    if (has("init_conv.weight") && has("time_mlp.1.weight")) return prefix;
  }
  return std::nullopt;
}

absl::StatusOr<LucidrainsFile> InferLucidrainsFile(const Tensors& tensors) {
  TensorShapes shapes(tensors);
  LucidrainsFile file;
  file.network_prefix = FindLucidrainsPrefix(tensors).value_or("");
  file.diffusion_prefix = std::string(absl::StripSuffix(file.network_prefix, "model."));
  if (file.network_prefix == "ema_model.") file.diffusion_prefix = file.network_prefix;
  const std::string& prefix = file.network_prefix;
  file.wrapped = shapes.Has(prefix + "mid_attn.fn.fn.to_qkv.weight");
  file.config.in_channels = shapes.Size(prefix + "init_conv.weight", 1);
  file.config.init_dim = shapes.Size(prefix + "init_conv.weight", 0);
  file.config.out_channels = shapes.Size(prefix + "final_conv.weight", 0);
  InferTime(shapes, prefix, &file.config);
  InferLevels(shapes, &file);
  if (shapes.Has(prefix + "mid_block1.block1.norm.weight")) {
    file.config.block_norm = nn::FeatureNormKind::kGroup;
  }
  RETURN_IF_ERROR(shapes.status());
  if (file.config.level_dims.empty() || file.config.dim < 4 || file.config.dim % 2 != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the tensors are no Unet of denoising-diffusion-pytorch: ", file.config.level_dims.size(),
        " levels, time in ", file.config.dim, " dimensions"));
  }
  return file;
}

KeyMap LucidrainsKeyMap(const LucidrainsFile& file, const nn::Network& network, bool standardized) {
  const size_t levels = file.config.level_dims.size();
  KeyMap map;
  for (const auto& item : network.named_parameters()) {
    const std::string& ours = item.key();
    Source source{.key = ours};
    if (FollowsModule(ours, "downs.", levels) && file.config.patch_down) {
      source.key = absl::StrReplaceAll(ours, {{".3.", ".3.1."}});
      if (absl::EndsWith(ours, "weight")) source.form = Form::kPatches;
    } else if (FollowsModule(ours, "ups.", levels)) {
      source.key = absl::StrReplaceAll(ours, {{".3.", ".3.1."}});
    } else if (file.wrapped && IsInAttention(ours)) {
      source.key = absl::StrReplaceAll(ours, {{".norm.", ".fn.norm."}, {".to_", ".fn.fn.to_"}});
    } else if (standardized && absl::EndsWith(ours, ".proj.weight")) {
      source.form = Form::kStandardized;
    }
    source.key = file.network_prefix + source.key;
    map[ours] = source;
  }
  return map;
}

std::vector<std::string> LucidrainsIgnored(const LucidrainsFile& file, const Tensors& tensors) {
  std::vector<std::string> ignored;
  for (const char* buffer : kBuffers) {
    const std::string name = file.diffusion_prefix + buffer;
    if (tensors.count(name) > 0) ignored.push_back(name);
  }
  if (!absl::StartsWith(file.network_prefix, "ema_model.")) return ignored;
  for (const auto& [name, tensor] : tensors) {
    if (name == "initted" || name == "step" || absl::StartsWith(name, "online_model.")) {
      ignored.push_back(name);
    }
  }
  return ignored;
}

absl::StatusOr<std::vector<double>> LucidrainsBetas(const LucidrainsFile& file,
                                                    const Tensors& tensors) {
  const auto found = tensors.find(file.diffusion_prefix + "betas");
  if (found == tensors.end()) return std::vector<double>();
  if (found->second.dim() != 1 || found->second.numel() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tensor betas has the shape [", absl::StrJoin(found->second.sizes(), ", "), "]"));
  }
  const at::Tensor betas = found->second.to(at::kDouble);
  const at::Tensor alpha_bar = Find(tensors, file.diffusion_prefix + "alphas_cumprod");
  const at::Tensor made = betas.neg().add(1).cumprod(0);
  // Stored in float32, so products of a thousand drift by some 1e-5.
  if (alpha_bar.defined() && !(alpha_bar.sizes() == made.sizes() &&
                               alpha_bar.sub(made).abs().le(1e-4).all().item<bool>())) {
    return absl::InvalidArgumentError("tensors betas and alphas_cumprod are of two schedules");
  }
  const at::Tensor dense = betas.contiguous();
  return std::vector<double>(dense.const_data_ptr<double>(),
                             dense.const_data_ptr<double>() + dense.numel());
}

std::optional<Prediction> ToldPrediction(const LucidrainsFile& file, const Tensors& tensors) {
  const at::Tensor alpha_bar = Find(tensors, file.diffusion_prefix + "alphas_cumprod");
  const at::Tensor weights = Find(tensors, file.diffusion_prefix + "loss_weight");
  if (!alpha_bar.defined() || !weights.defined() || alpha_bar.sizes() != weights.sizes() ||
      weights.numel() == 0) {
    return std::nullopt;
  }
  const at::Tensor snr = alpha_bar.div(alpha_bar.neg().add(1));
  const int64_t t = snr.sub(0.5).abs().argmin().item<int64_t>();
  const double ratio = snr[t].item<double>();
  const double weight = weights[t].item<double>();
  if (!(ratio > 0.25 && ratio < 0.75)) return std::nullopt;
  const auto is = [&](double expected) { return std::fabs(weight - expected) < 1e-4 * expected; };
  if (is(1)) return Prediction::kEpsilon;
  if (is(ratio)) return Prediction::kSample;
  if (is(ratio / (ratio + 1))) return Prediction::kV;
  return std::nullopt;
}

}  // namespace tweedie
