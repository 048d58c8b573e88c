#ifndef TWEEDIE_CORE_METHODS_DDNM_H_
#define TWEEDIE_CORE_METHODS_DDNM_H_

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "core/methods/measured_rows.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/spectral_rows.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// Denoising diffusion null-space model (Wang et al., 2023, algorithm 1), for
// measurements without noise:
//   x0' = x0_hat - A^+ (A x0_hat - y),
//   x_s = sqrt(alpha_bar_s) x0' + sqrt(1 - alpha_bar_s) (eta z + sqrt(1 - eta^2) eps).
class Ddnm final : public StepRule {
 public:
  Ddnm(MeasuredRows rows, double eta);
  bool Draws(const StepLevels& levels) const override { return eta_ > 0 && !levels.last; }
  at::Tensor Step(const StepInput& in) const override;

 private:
  const MeasuredRows rows_;
  const double eta_;
};

// DDNM+ (Wang et al., 2023, eq. 17 to 19 and appendix I), for noisy ones. In the
// coordinates of V, with a = sqrt(alpha_bar_s), b = sqrt(1 - alpha_bar_s) and d =
// sigma / s_i the noise of y_bar:
//   not measured  a x0_hat + b (eta z + sqrt(1 - eta^2) eps),
//   a d <= b      a y_bar + sqrt(b^2 - a^2 d^2) z,
//   otherwise     a (x0_hat - lambda (x0_hat - y_bar)) + b eta z,
//                 lambda = b sqrt(1 - eta^2) / (a d);
// the noise of y_bar is part of that of x_s, which is b^2 in the two latter.
class DdnmPlus final : public StepRule {
 public:
  DdnmPlus(SpectralRows rows, double eta);
  bool Draws(const StepLevels& levels) const override { return !levels.last; }
  at::Tensor Step(const StepInput& in) const override;

 private:
  at::Tensor Measured(const StepInput& in, const at::Tensor& x0_hat, const at::Tensor& z) const;
  at::Tensor Unmeasured(const StepInput& in, const at::Tensor& x0_hat, const at::Tensor& z) const;

  const SpectralRows rows_;
  const double eta_;
};

absl::StatusOr<DdnmTask> Resolve(const DdnmTask& task, const TaskContext& context);

// From x_T over all timesteps, with jumps if it travels in time.
absl::Status SetUp(const DdnmTask& task, const TaskContext& context, ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DDNM_H_
