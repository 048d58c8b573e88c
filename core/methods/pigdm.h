#ifndef TWEEDIE_CORE_METHODS_PIGDM_H_
#define TWEEDIE_CORE_METHODS_PIGDM_H_

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "core/methods/ddim.h"
#include "core/methods/measured_rows.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// Pseudoinverse-guided diffusion (Song et al., 2023, algorithm 1, eq. 7 and 8),
// with r_t^2 = 1 - alpha_bar_t:
//   g   = (d x0_hat / d x_t)^T A^T (A A^T + sigma^2 / r_t^2 I)^-1 (y - A x0_hat),
//   x_s = DDIM_eta(x0_hat, eps) + sqrt(alpha_bar_s) sqrt(alpha_bar_t) g.
class Pigdm final : public StepRule {
 public:
  Pigdm(MeasuredRows rows, double eta);
  bool Draws(const StepLevels& levels) const override { return ddim_.Draws(levels); }
  bool guided() const override { return true; }
  // <A^T (...)^-1 (y - A x0_hat), x0_hat>, the first factor held constant: its
  // gradient is g.
  at::Tensor GuidanceLoss(const GuidedRows& rows) const override;
  at::Tensor Step(const StepInput& in) const override;

 private:
  const MeasuredRows rows_;
  const Ddim ddim_;
};

absl::StatusOr<PigdmTask> Resolve(const PigdmTask& task, const TaskContext& context);

// From x_T over all timesteps.
absl::Status SetUp(const PigdmTask& task, const TaskContext& context,
                   ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_PIGDM_H_
