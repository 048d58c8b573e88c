#ifndef TWEEDIE_CORE_METHODS_DIFFPIR_H_
#define TWEEDIE_CORE_METHODS_DIFFPIR_H_

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "core/methods/measured_rows.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// Plug-and-play image restoration (Zhu et al., 2023, algorithm 1). With
// rho = lambda sigma^2 / sigma_t^2,
//   x0'  = argmin_x ||y - A x||^2 + rho ||x - x0_hat||^2,
//   eps' = (x_t - sqrt(alpha_bar_t) x0') / sqrt(1 - alpha_bar_t),
//   x_s  = sqrt(alpha_bar_s) x0'
//        + sqrt(1 - alpha_bar_s) (sqrt(1 - zeta) eps' + sqrt(zeta) z).
// A sigma of 0 counts as 0.001.
class Diffpir final : public StepRule {
 public:
  Diffpir(MeasuredRows rows, double lambda, double zeta);
  bool Draws(const StepLevels& levels) const override { return zeta_ > 0 && !levels.last; }
  at::Tensor Step(const StepInput& in) const override;

 private:
  const MeasuredRows rows_;
  const double lambda_;
  const double zeta_;
};

absl::StatusOr<DiffpirTask> Resolve(const DiffpirTask& task, const TaskContext& context);

// From x_T over all timesteps.
absl::Status SetUp(const DiffpirTask& task, const TaskContext& context,
                   ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DIFFPIR_H_
