#ifndef TWEEDIE_CORE_METHODS_DPM_SOLVER_H_
#define TWEEDIE_CORE_METHODS_DPM_SOLVER_H_

#include "core/methods/step_rule.h"

namespace tweedie {

// DPM-Solver++ 2M (Lu et al., 2022b, algorithm 2), deterministic. With
// lambda = log(sqrt(alpha_bar) / sqrt(1 - alpha_bar)), h = lambda_s - lambda_t
// and r = h_before / h,
//   x_s = sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t)) x_t
//       - sqrt(alpha_bar_s) (e^{-h} - 1) D,
//   D   = (1 + 1 / (2 r)) x0_hat - 1 / (2 r) x0_hat_before,
// and D = x0_hat in the first step and in the last, where x_s = x0_hat.
class DpmSolverPp2m final : public StepRule {
 public:
  bool Draws(const StepLevels&) const override { return false; }
  at::Tensor Step(const StepInput& in) const override;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DPM_SOLVER_H_
