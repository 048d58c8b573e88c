#ifndef TWEEDIE_CORE_METHODS_ANCESTRAL_H_
#define TWEEDIE_CORE_METHODS_ANCESTRAL_H_

#include "core/diffusion/scheduler_config.h"
#include "core/methods/step_rule.h"

namespace tweedie {

// Ancestral sampling (DDPM; Ho et al., 2020, eq. 6 and 7), skipped steps
// included. With beta' = 1 - alpha_bar_t / alpha_bar_s,
//   mean = sqrt(alpha_bar_s) beta' / (1 - alpha_bar_t) x0_hat
//        + sqrt(1 - beta') (1 - alpha_bar_s) / (1 - alpha_bar_t) x_t,
//   x_s  = mean + sqrt(variance) z, and the mean alone at s = -1.
// kLearnedRange (Nichol and Dhariwal, 2021, eq. 15) interpolates between the
// logarithms of the two fixed variances, by each element's own predicted v:
// log variance = f log beta' + (1 - f) log beta-tilde, f = (v + 1) / 2.
class Ancestral final : public StepRule {
 public:
  explicit Ancestral(Variance variance) : variance_(variance) {}
  bool Draws(const StepLevels& levels) const override { return !levels.last; }
  at::Tensor Step(const StepInput& in) const override;

 private:
  at::Tensor ScaledNoise(const StepInput& in) const;
  const Variance variance_;
};

// beta' of the step: the variance kFixedLarge.
double LargeVariance(const StepLevels& levels);

// beta-tilde = (1 - alpha_bar_s) / (1 - alpha_bar_t) beta': the variance
// kFixedSmall. 0 in the last step.
double SmallVariance(const StepLevels& levels);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_ANCESTRAL_H_
