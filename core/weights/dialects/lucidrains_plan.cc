#include "core/weights/dialects/plans.h"

namespace tweedie {

absl::StatusOr<ModelPlan> PlanLucidrains(const Tensors& /*tensors*/, ModelSettings /*settings*/) {
  return absl::UnimplementedError("not yet");
}

}  // namespace tweedie
