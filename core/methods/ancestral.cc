#include "core/methods/ancestral.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/noise/exact_math.h"

namespace tweedie {
namespace {

// sqrt(variance) of kLearnedRange for each element of `v`. A loop of our own,
// since the bits of at::exp may depend on where in memory an element lies.
at::Tensor LearnedDeviation(const at::Tensor& v, const StepLevels& levels) {
  const double log_large = exact::Log(LargeVariance(levels));
  const double log_small = exact::Log(SmallVariance(levels));
  const at::Tensor in = v.cpu().contiguous();
  at::Tensor out = at::empty_like(in);
  const float* const from = in.const_data_ptr<float>();
  float* const to = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < in.numel(); ++i) {
    const double f = (double{from[i]} + 1.0) * 0.5;
    to[i] = static_cast<float>(exact::Exp(0.5 * (f * log_large + (1.0 - f) * log_small)));
  }
  return out.to(v.device());
}

}  // namespace

double LargeVariance(const StepLevels& levels) {
  return 1 - levels.alpha_bar_t / levels.alpha_bar_s;
}

double SmallVariance(const StepLevels& levels) {
  return (1 - levels.alpha_bar_s) / (1 - levels.alpha_bar_t) * LargeVariance(levels);
}

at::Tensor Ancestral::ScaledNoise(const StepInput& in) const {
  switch (variance_) {
    case Variance::kFixedSmall:
      return in.z.mul(std::sqrt(SmallVariance(in.levels)));
    case Variance::kFixedLarge:
      return in.z.mul(std::sqrt(LargeVariance(in.levels)));
    case Variance::kLearnedRange:
      return in.z.mul(LearnedDeviation(in.predicted_variance, in.levels));
  }
  return in.z;
}

at::Tensor Ancestral::Step(const StepInput& in) const {
  const double noise_t = 1 - in.levels.alpha_bar_t;
  const double noise_s = 1 - in.levels.alpha_bar_s;
  const double beta = LargeVariance(in.levels);
  const at::Tensor mean = in.x0_hat.mul(std::sqrt(in.levels.alpha_bar_s) * beta / noise_t)
                              .add(in.x_t.mul(std::sqrt(1 - beta) * noise_s / noise_t));
  return in.levels.last ? mean : mean.add(ScaledNoise(in));
}

}  // namespace tweedie
