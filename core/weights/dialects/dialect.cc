#include "core/weights/dialects/dialect.h"

#include <utility>

#include "core/base/status_macros.h"
#include "core/nn/network.h"
#include "core/weights/dialects/lucidrains_file.h"
#include "core/weights/dialects/plans.h"

namespace tweedie {

absl::StatusOr<Family> DetectFamily(const Tensors& tensors) {
  const auto has = [&](const char* name) { return tensors.count(name) > 0; };
  if (has("input_blocks.0.0.weight") && has("time_embed.0.weight")) return Family::kOpenai;
  if (has("temb.dense.0.weight")) return Family::kHo;
  if (FindLucidrainsPrefix(tensors)) return Family::kLucidrains;
  if (has("conv_in.weight") && has("time_embedding.linear_1.weight")) return Family::kDiffusers;
  return absl::InvalidArgumentError(
      "the tensors are of no known network (diffusers, guided-diffusion, improved-diffusion, "
      "ports of Ho et al., denoising-diffusion-pytorch)");
}

absl::StatusOr<ModelPlan> PlanModel(const Tensors& tensors, ModelSettings settings) {
  ASSIGN_OR_RETURN(const Family family, DetectFamily(tensors));
  switch (family) {
    case Family::kDiffusers:
      return absl::InvalidArgumentError(
          "the weights are of diffusers; their config.json and scheduler_config.json must lie "
          "beside them");
    case Family::kOpenai:
      return PlanOpenai(tensors, std::move(settings));
    case Family::kHo:
      return PlanHo(tensors, std::move(settings));
    case Family::kLucidrains:
      return PlanLucidrains(tensors, std::move(settings));
  }
  return absl::InternalError("unknown family");
}

absl::Status LoadPlanned(Tensors tensors, const ModelPlan& plan) {
  for (const std::string& name : plan.ignored) tensors.erase(name);
  return LoadStateDict(std::move(tensors), plan.map, *plan.network);
}

}  // namespace tweedie
