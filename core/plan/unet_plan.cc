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
    plan->network_ = std::move(network);
    plan->image_size_ = image_size;
    plan->packed_ = std::make_shared<PackedWeights>();
    plan->Build(factors, /*gradients=*/false);
    return plan;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("no plan: ", error.what()));
  }
}

absl::StatusOr<std::unique_ptr<const UnetPlan>> UnetPlan::MakeWithGradients(const UnetPlan& plan) {
  try {
    auto made = std::unique_ptr<UnetPlan>(new UnetPlan());
    made->network_ = plan.network_;
    made->image_size_ = plan.image_size_;
    made->packed_ = plan.packed_;
    made->time_vectors_ = plan.time_vectors_;
    made->Build(Type::kFloat32, /*gradients=*/true);
    return made;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("no plan of gradients: ", error.what()));
  }
}

void UnetPlan::Build(Type factors, bool gradients) {
  BlockBuilder::Options building{.config = &network_->config(),
                                 .parameters = {},
                                 .factors = factors,
                                 .gradients = gradients,
                                 .packed = packed_.get()};
  const int64_t bytes = (factors == Type::kBfloat16 ? 2 : 4) * (gradients ? 2 : 1);
  for (const auto& item : network_->named_parameters()) {
    building.parameters[item.key()] = item.value();
    weight_bytes_ += item.value().numel() * bytes;
  }
  UnetBuilder builder(std::move(building));
  written_ = builder.Build(image_size_[0], image_size_[1]);
  if (time_vectors_ != nullptr) return;
  time_vectors_ =
      std::make_shared<const TimeVectors>(network_, builder.TimeWeight(), builder.TimeBias());
}

}  // namespace tweedie::plan
