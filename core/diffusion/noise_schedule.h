#ifndef TWEEDIE_CORE_DIFFUSION_NOISE_SCHEDULE_H_
#define TWEEDIE_CORE_DIFFUSION_NOISE_SCHEDULE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/scheduler_config.h"

namespace tweedie {

// The noise levels of a variance-preserving process with T timesteps:
//   x_t = sqrt(alpha_bar(t)) x_0 + sqrt(1 - alpha_bar(t)) z.
// Tables are float64. Immutable, hence thread-safe.
class NoiseSchedule {
 public:
  // INVALID_ARGUMENT, naming the key, for a config that makes no schedule: each alpha_bar must be
  // below the one before, the first below 1, and so far above 0 that float32 can be divided by its
  // root; with rescale_betas_zero_snr the last is 0.
  static absl::StatusOr<NoiseSchedule> Create(const SchedulerConfig& config);

  int num_timesteps() const { return static_cast<int>(alpha_bar_.size()); }
  // t in -1..T-1; 1 for t = -1, the clean image.
  double alpha_bar(int t) const { return t < 0 ? 1.0 : alpha_bar_[t]; }
  // sqrt((1 - alpha_bar) / alpha_bar): the level of t in variance-exploding
  // units. Infinite where alpha_bar is 0.
  double sigma(int t) const;
  // The t whose sigma is nearest to `sigma`. INVALID_ARGUMENT (field
  // `noise_sigma`) if it is negative, not finite or above the largest level.
  absl::StatusOr<int> NearestTimestep(double sigma) const;

 private:
  explicit NoiseSchedule(std::vector<double> alpha_bar) : alpha_bar_(std::move(alpha_bar)) {}
  std::vector<double> alpha_bar_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_NOISE_SCHEDULE_H_
