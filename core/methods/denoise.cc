#include "core/methods/denoise.h"

#include <ATen/ATen.h>

#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/reverse_process.h"
#include "core/methods/task_process.h"
#include "core/noise/noise.h"

namespace tweedie {

absl::StatusOr<int> TimestepOf(const DenoiseTask& task, const NoiseSchedule& schedule) {
  if (task.timestep.has_value() == task.noise_sigma.has_value()) {
    return FieldError("level", "must be one of `timestep` and `noise_sigma`");
  }
  if (task.noise_sigma.has_value()) return schedule.NearestTimestep(*task.noise_sigma);
  const int last = schedule.num_timesteps() - 1;
  if (*task.timestep < 0 || *task.timestep > last) {
    return FieldError("timestep", absl::StrCat("must be in [0, ", last, "]; was ", *task.timestep));
  }
  return *task.timestep;
}

at::Tensor NoisyImages(const DenoiseTask& task, const NoiseSchedule& schedule, int t, uint64_t seed,
                       int samples_per_image) {
  const at::Tensor images = task.images.repeat_interleave(samples_per_image, 0).contiguous();
  const double signal = std::sqrt(schedule.alpha_bar(t));
  if (!task.add_noise) return task.noise_sigma.has_value() ? images.mul(signal) : images;
  NoiseKey key;
  key.seed = seed;
  key.purpose = NoisePurpose::kGuide;
  const at::Tensor z = Normals(key, images.size(0), images.sizes().slice(1)).to(images.device());
  const double noise = task.noise_sigma.has_value() ? signal * *task.noise_sigma
                                                    : std::sqrt(1 - schedule.alpha_bar(t));
  return images.mul(signal).add(z.mul(noise));
}

absl::StatusOr<DenoiseTask> Resolve(const DenoiseTask& task, const TaskContext& context) {
  RETURN_IF_ERROR(CheckImages("images", task.images, context.model));
  ASSIGN_OR_RETURN(const int t, TimestepOf(task, context.model.schedule));
  RETURN_IF_ERROR(CheckEstimable(context.model, t));
  DenoiseTask resolved = task;
  if (!task.process.has_value()) return resolved;
  ASSIGN_OR_RETURN(resolved.process, ResolveProcessField(*task.process, context.model, t + 1));
  return resolved;
}

absl::Status SetUp(const DenoiseTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  const NoiseSchedule& schedule = context.model.schedule;
  ASSIGN_OR_RETURN(const int t, TimestepOf(task, schedule));
  options->x = NoisyImages(task, schedule, t, context.seed, context.samples_per_image);
  if (task.process.has_value()) return SetProcess(*task.process, t + 1, options);
  options->path = {t, -1};
  options->rule = std::make_unique<TweedieEstimate>();
  return absl::OkStatus();
}

}  // namespace tweedie
