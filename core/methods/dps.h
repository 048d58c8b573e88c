#ifndef TWEEDIE_CORE_METHODS_DPS_H_
#define TWEEDIE_CORE_METHODS_DPS_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "absl/status/statusor.h"
#include "core/methods/measured_rows.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// Diffusion posterior sampling (Chung et al., 2023, algorithm 1): the step of
// another rule, and then down the gradient of what the clean image misses,
//   x_s = x' - zeta grad_{x_t} ||A(x0_hat(x_t)) - y||,
// or of the squared norm. Each row has its own norm; its gradient is 0 where
// A(x0_hat) = y.
class Dps final : public StepRule {
 public:
  Dps(std::unique_ptr<StepRule> rule, MeasuredRows rows, DpsObjective objective, double zeta);
  bool Draws(const StepLevels& levels) const override { return rule_->Draws(levels); }
  bool guided() const override { return true; }
  at::Tensor GuidanceLoss(const GuidedRows& rows) const override;
  at::Tensor Step(const StepInput& in) const override;

 private:
  const std::unique_ptr<StepRule> rule_;
  const MeasuredRows rows_;
  const DpsObjective objective_;
  const double zeta_;
};

absl::StatusOr<DpsTask> Resolve(const DpsTask& task, const TaskContext& context);

// From x_T over all timesteps.
absl::Status SetUp(const DpsTask& task, const TaskContext& context, ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DPS_H_
