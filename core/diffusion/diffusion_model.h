#ifndef TWEEDIE_CORE_DIFFUSION_DIFFUSION_MODEL_H_
#define TWEEDIE_CORE_DIFFUSION_DIFFUSION_MODEL_H_

#include <array>
#include <cstdint>

#include "core/diffusion/noise_schedule.h"
#include "core/diffusion/scheduler_config.h"

namespace tweedie {

// What a method must know of a model: everything but the network. Immutable
// after construction, hence thread-safe.
struct DiffusionModel {
  // Channels, height, width.
  std::array<int64_t, 3> image_shape;
  SchedulerConfig scheduler;
  NoiseSchedule schedule;
  // The network also predicts the variance: its output has 2C channels.
  bool learned_variance = false;
  // 0 if it is not class-conditional.
  int num_classes = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_DIFFUSION_MODEL_H_
