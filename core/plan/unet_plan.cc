#include "core/plan/unet_plan.h"

#include <algorithm>
#include <exception>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/plan/unet_builder.h"

namespace tweedie::plan {
absl::Status UnetPlan::Check(const nn::UnetConfig& config,
                             const std::array<int64_t, 2>& image_size) {
  if (config.act_fn != nn::Activation::kSilu) {
    return absl::UnimplementedError("no plan for residual blocks whose activation is not SiLU");
  }
  if (config.class_embed_type == nn::ClassEmbedding::kIdentity) {
    return absl::UnimplementedError("no plan for labels that are embeddings");
  }
  const int64_t factor = int64_t{1} << (config.block_out_channels.size() - 1);
  for (const int64_t side : image_size) {
    if (side <= 0 || side % factor != 0) {
      return absl::UnimplementedError(
          absl::StrCat("no plan for sides that are no multiples of ", factor));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<const UnetPlan>> UnetPlan::Make(
    std::shared_ptr<const nn::UnetImpl> network, const std::array<int64_t, 2>& image_size,
    Type factors) {
  RETURN_IF_ERROR(Check(network->config(), image_size));
  try {
    auto plan = std::unique_ptr<UnetPlan>(new UnetPlan());
    UnetBuilder::Options building{
        .config = &network->config(), .parameters = {}, .factors = factors};
    const int64_t bytes = factors == Type::kBfloat16 ? 2 : 4;
    for (const auto& item : network->named_parameters()) {
      building.parameters[item.key()] = item.value();
      plan->weight_bytes_ += item.value().numel() * bytes;
    }
    UnetBuilder builder(std::move(building));
    builder.Build(image_size[0], image_size[1]);
    plan->ops_ = builder.TakeOps();
    plan->arena_floats_ = builder.arena_floats();
    plan->time_vectors_ = std::make_unique<const TimeVectors>(
        std::move(network), builder.TimeWeight(), builder.TimeBias());
    return plan;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("no plan: ", error.what()));
  }
}

}  // namespace tweedie::plan
