#ifndef TWEEDIE_CORE_METHODS_ALD_H_
#define TWEEDIE_CORE_METHODS_ALD_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "absl/status/statusor.h"
#include "core/methods/measured_rows.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// The likelihood's score at x_t itself, in the coordinates u = x_t /
// sqrt(alpha_bar_t) (Jalal et al., 2021, with gamma_t = gamma_scale sigma_t):
//   g_t(u) = scale / (sigma^2 + gamma_t^2) J_A(u)^T (A(u) - y).
// Immutable, hence thread-safe.
class AnnealedLikelihood {
 public:
  // scale: the task's likelihood_scale times c.
  AnnealedLikelihood(MeasuredRows rows, double gamma_scale, double scale);
  // gamma_t^2.
  double SquaredGamma(double alpha_bar) const;
  // weight g_t(u), [n, C, H, W], of x_t; 0 where sigma^2 + gamma_t^2 is.
  at::Tensor Pull(const at::Tensor& x_t, double alpha_bar_t, double weight) const;

 private:
  const MeasuredRows rows_;
  const double gamma_scale_;
  const double scale_;
};

// The step of another rule, then
//   x_s <- x_s - sqrt(alpha_bar_s) (gamma_t^2 - gamma_s^2) g_t(u), u from x_t.
class AncestralAld final : public StepRule {
 public:
  AncestralAld(std::unique_ptr<StepRule> rule, AnnealedLikelihood likelihood);
  bool Draws(const StepLevels& levels) const override { return rule_->Draws(levels); }
  at::Tensor Step(const StepInput& in) const override;

 private:
  const std::unique_ptr<StepRule> rule_;
  const AnnealedLikelihood likelihood_;
};

// One step of Langevin dynamics at the level of t, after which u is kept and the
// level becomes that of s:
//   u <- u + a (score(u) - g_t(u)) + sqrt(2 a) z, a = step_size sigma_t^2,
//   score(u) = -eps / sigma_t.
// The last step is Tweedie's estimate.
class LangevinAld final : public StepRule {
 public:
  LangevinAld(AnnealedLikelihood likelihood, double step_size);
  bool Draws(const StepLevels& levels) const override { return !levels.last; }
  at::Tensor Step(const StepInput& in) const override;

 private:
  const AnnealedLikelihood likelihood_;
  const double step_size_;
};

absl::StatusOr<AldTask> Resolve(const AldTask& task, const TaskContext& context);

// From x_T over all timesteps; each level `steps_per_level` times for kLangevin.
absl::Status SetUp(const AldTask& task, const TaskContext& context, ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_ALD_H_
