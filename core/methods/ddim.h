#ifndef TWEEDIE_CORE_METHODS_DDIM_H_
#define TWEEDIE_CORE_METHODS_DDIM_H_

#include "core/methods/step_rule.h"

namespace tweedie {

// DDIM (Song et al., 2021, eq. 12 and 16), skipped steps included:
//   deviation = eta sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t))
//                   sqrt(1 - alpha_bar_t / alpha_bar_s),
//   x_s = sqrt(alpha_bar_s) x0_hat
//       + sqrt(1 - alpha_bar_s - deviation^2) eps + deviation z.
// eta, in [0, 1]: 0 is deterministic; 1 has the noise of DDPM (kFixedSmall).
class Ddim final : public StepRule {
 public:
  explicit Ddim(double eta) : eta_(eta) {}
  bool Draws(const StepLevels& levels) const override { return eta_ > 0 && !levels.last; }
  at::Tensor Step(const StepInput& in) const override;

 private:
  const double eta_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DDIM_H_
