#include "core/methods/ddim.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace tweedie {

at::Tensor Ddim::Step(const StepInput& in) const {
  if (in.levels.last) return in.x0_hat;
  const double alpha_bar_t = in.levels.alpha_bar_t;
  const double alpha_bar_s = in.levels.alpha_bar_s;
  const double noise_s = 1 - alpha_bar_s;
  const double deviation =
      eta_ * std::sqrt(noise_s / (1 - alpha_bar_t)) * std::sqrt(1 - alpha_bar_t / alpha_bar_s);
  const double direction = std::sqrt(std::max(noise_s - deviation * deviation, 0.0));
  const at::Tensor x_s = in.x0_hat.mul(std::sqrt(alpha_bar_s)).add(in.eps.mul(direction));
  return Draws(in.levels) ? x_s.add(in.z.mul(deviation)) : x_s;
}

}  // namespace tweedie
