#ifndef TWEEDIE_CORE_METHODS_TASK_H_
#define TWEEDIE_CORE_METHODS_TASK_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/diffusion/scheduler_config.h"

namespace tweedie {

enum class ProcessKind { kDdpm, kDdim, kDpmSolverPp2m };

// A reverse process as asked for. Unset fields are the model's or the kind's
// own; ResolveProcess() (reverse_process.h) fills them in.
struct ReverseProcessSpec {
  ProcessKind kind = ProcessKind::kDdpm;
  int num_steps = 0;  // 0: all of the process's timesteps
  std::optional<double> eta;
  std::optional<Variance> variance;
  std::optional<Spacing> spacing;
  std::optional<bool> clip_x0;
};

// Draws images from the prior.
struct SampleTask {
  int num_images = 1;
  ReverseProcessSpec process;
};

// Estimates clean images from noisy ones (Tweedie's formula), or runs the
// reverse process from their level.
struct DenoiseTask {
  at::Tensor images;  // [N, C, H, W]
  // Exactly one of the two is set.
  std::optional<int> timestep;
  std::optional<double> noise_sigma;
  bool add_noise = false;
  std::optional<ReverseProcessSpec> process;
};

// Everything that a job's result depends on, besides the weights.
struct TaskSpec {
  std::variant<SampleTask, DenoiseTask> task;
  uint64_t seed = 0;
  // Empty, one for all images, or one an image (of the results).
  std::vector<int64_t> class_labels;
  // Results for each input image; result i * samples_per_image + j is the j-th
  // of input i. 1 for sampling.
  int samples_per_image = 1;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_TASK_H_
