#ifndef TWEEDIE_CORE_METHODS_DDRM_H_
#define TWEEDIE_CORE_METHODS_DDRM_H_

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/spectral_rows.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// Denoising diffusion restoration (Kawar et al., 2022, eq. 4 to 8). In the
// coordinates of V and variance-exploding units, with v = sigma_s and d =
// sigma / s_i the noise of y_bar:
//   not measured  x0_hat + sqrt(1 - eta^2) v eps + eta v z,
//   d <= v        (1 - eta_b) x0_hat + eta_b y_bar + sqrt(v^2 - eta_b^2 d^2) z,
//   otherwise     x0_hat + sqrt(1 - eta^2) v (y_bar - x0_hat) / d + eta v z.
// z is drawn as an image, so that the result does not depend on which of several
// right V the operator has.
class Ddrm final : public StepRule {
 public:
  Ddrm(SpectralRows rows, double eta, double eta_b);
  bool Draws(const StepLevels& levels) const override { return !levels.last; }
  at::Tensor Step(const StepInput& in) const override;

 private:
  const SpectralRows rows_;
  const double eta_;
  const double eta_b_;
};

// x_T [n, C, H, W] of standard normals `z`: in the same coordinates and units
// y_bar + sqrt(sigma_T^2 - d^2) z where measured with d <= sigma_T, otherwise
// sigma_T z.
at::Tensor DdrmStart(const SpectralRows& rows, double alpha_bar, const at::Tensor& z);

absl::StatusOr<DdrmTask> Resolve(const DdrmTask& task, const TaskContext& context);

// From DdrmStart() over all timesteps.
absl::Status SetUp(const DdrmTask& task, const TaskContext& context, ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DDRM_H_
