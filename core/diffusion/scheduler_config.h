#ifndef TWEEDIE_CORE_DIFFUSION_SCHEDULER_CONFIG_H_
#define TWEEDIE_CORE_DIFFUSION_SCHEDULER_CONFIG_H_

#include <vector>

namespace tweedie {

enum class BetaSchedule { kLinear, kScaledLinear, kCosine, kSigmoid, kLaplace };

// The variance of an ancestral step (Ho et al., 2020, section 3.2; Nichol and
// Dhariwal, 2021, eq. 15 for kLearnedRange).
enum class Variance { kFixedSmall, kFixedLarge, kLearnedRange };

// What the network's output is.
enum class Prediction { kEpsilon, kSample, kV };

// Which timesteps are kept when there are fewer steps than timesteps.
enum class Spacing { kLeading, kTrailing, kLinspace };

// How a model was trained to be sampled: what diffusers' scheduler_config.json
// says, with its defaults. A value type.
struct SchedulerConfig {
  int num_train_timesteps = 1000;
  double beta_start = 1e-4;
  double beta_end = 0.02;
  BetaSchedule beta_schedule = BetaSchedule::kLinear;
  // Overrides the schedule if not empty.
  std::vector<double> trained_betas;
  Variance variance = Variance::kFixedSmall;
  Prediction prediction = Prediction::kEpsilon;
  Spacing spacing = Spacing::kLeading;
  // Added to LEADING timesteps of a process over all timesteps.
  int steps_offset = 0;
  // Whether estimates of x_0 are clamped to +-clip_sample_range.
  bool clip_sample = true;
  double clip_sample_range = 1.0;
  // Dynamic thresholding (Saharia et al., 2022) instead of the clamp.
  bool thresholding = false;
  double dynamic_thresholding_ratio = 0.995;
  double sample_max_value = 1.0;
  bool rescale_betas_zero_snr = false;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_SCHEDULER_CONFIG_H_
