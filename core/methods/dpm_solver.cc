#include "core/methods/dpm_solver.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "core/noise/exact_math.h"

namespace tweedie {
namespace {

// Half the logarithm of the signal-to-noise ratio; -infinity where no signal
// is left (rescaled schedules).
double Lambda(double alpha_bar) {
  if (alpha_bar == 0) return -std::numeric_limits<double>::infinity();
  return 0.5 * exact::Log(alpha_bar / (1 - alpha_bar));
}

// 1 / (2 r), 0 for a first-order step.
double BeforeWeight(const StepLevels& levels) {
  if (!levels.alpha_bar_before.has_value()) return 0;
  const double lambda_t = Lambda(levels.alpha_bar_t);
  const double h_before = lambda_t - Lambda(*levels.alpha_bar_before);
  return 0.5 * (Lambda(levels.alpha_bar_s) - lambda_t) / h_before;
}

}  // namespace

at::Tensor DpmSolverPp2m::Step(const StepInput& in) const {
  if (in.levels.last) return in.x0_hat;
  const double alpha_bar_t = in.levels.alpha_bar_t;
  const double alpha_bar_s = in.levels.alpha_bar_s;
  const double noise_ratio = std::sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t));
  // e^{-h} = sqrt(alpha_bar_t / alpha_bar_s) sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t)).
  const double scale = std::sqrt(alpha_bar_s) - std::sqrt(alpha_bar_t) * noise_ratio;
  const double weight = BeforeWeight(in.levels);
  at::Tensor estimate = in.x0_hat;
  if (weight != 0) {
    estimate = in.x0_hat.mul(1 + weight).sub(in.x0_hat_before.mul(weight));
  }
  return in.x_t.mul(noise_ratio).add(estimate.mul(scale));
}

}  // namespace tweedie
