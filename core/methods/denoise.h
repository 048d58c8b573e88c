#ifndef TWEEDIE_CORE_METHODS_DENOISE_H_
#define TWEEDIE_CORE_METHODS_DENOISE_H_

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "core/diffusion/noise_schedule.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// One-shot denoising: the "step" to the clean image is Tweedie's estimate.
class TweedieEstimate final : public StepRule {
 public:
  bool Draws(const StepLevels&) const override { return false; }
  at::Tensor Step(const StepInput& in) const override { return in.x0_hat; }
};

// The timestep of the task's level. INVALID_ARGUMENT (`level`, `timestep`,
// `noise_sigma`) if it has none or two, or one outside the schedule.
absl::StatusOr<int> TimestepOf(const DenoiseTask& task, const NoiseSchedule& schedule);

// x_t [N * samples_per_image, C, H, W] at `t` = TimestepOf(task): row
// i samples_per_image + j is of image i. By `timestep` the images are x_t
// already; by `noise_sigma` they are scaled by sqrt(alpha_bar_t). With
// `add_noise` they are noised first, row k by z = Normals(seed, k, 0, kGuide):
//   timestep     x_t = sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) z,
//   noise_sigma  x_t = sqrt(alpha_bar_t) (x0 + sigma z), sigma as given.
at::Tensor NoisyImages(const DenoiseTask& task, const NoiseSchedule& schedule, int t, uint64_t seed,
                       int samples_per_image);

absl::StatusOr<DenoiseTask> Resolve(const DenoiseTask& task, const TaskContext& context);

// One estimate at the level, or the process from there.
absl::Status SetUp(const DenoiseTask& task, const TaskContext& context,
                   ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DENOISE_H_
