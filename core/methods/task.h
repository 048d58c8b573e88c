#ifndef TWEEDIE_CORE_METHODS_TASK_H_
#define TWEEDIE_CORE_METHODS_TASK_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/diffusion/scheduler_config.h"
#include "core/operators/measurement.h"

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

// The tasks below are those of task.proto, which gives their rules and what an
// unset field stands for; ResolveTask() fills them in and checks them.

// SDEdit. Exactly one of `guide` and `measurement` is set.
struct SdeditTask {
  at::Tensor guide;  // [N, C, H, W]
  std::optional<MeasurementSpec> measurement;
  std::optional<double> strength;
  ReverseProcessSpec process;
  at::Tensor keep_mask;  // broadcastable to [N, C, H, W]; undefined if nothing is kept
  bool keep_measured = false;
  int num_repeats = 0;
};

enum class AldPrior { kAncestral, kLangevin };

// Score-ALD.
struct AldTask {
  MeasurementSpec measurement;
  AldPrior prior = AldPrior::kAncestral;
  ReverseProcessSpec process;
  int steps_per_level = 0;
  std::optional<double> step_size;
  std::optional<double> gamma_scale;
  std::optional<double> likelihood_scale;
};

enum class DpsObjective { kNorm, kSquaredNorm };

struct DpsTask {
  MeasurementSpec measurement;
  ReverseProcessSpec process;
  std::optional<double> zeta;
  DpsObjective objective = DpsObjective::kNorm;
};

struct DdnmTask {
  MeasurementSpec measurement;
  ReverseProcessSpec process;
  std::optional<double> eta;
  int travel_length = 0;
  int travel_repeats = 0;
};

struct DdrmTask {
  MeasurementSpec measurement;
  ReverseProcessSpec process;
  std::optional<double> eta;
  std::optional<double> eta_b;
};

struct PigdmTask {
  MeasurementSpec measurement;
  ReverseProcessSpec process = {ProcessKind::kDdim, 0, {}, {}, {}, {}};
};

struct DiffpirTask {
  MeasurementSpec measurement;
  ReverseProcessSpec process;
  std::optional<double> lambda;
  std::optional<double> zeta;
};

struct ReddiffTask {
  MeasurementSpec measurement;
  ReverseProcessSpec process;
  std::optional<double> learning_rate;
  std::optional<double> prior_weight;
  std::optional<double> data_weight;
};

struct RepaintTask {
  MeasurementSpec measurement;
  ReverseProcessSpec process;
  int jump_length = 0;
  int num_resamples = 0;
};

using Task = std::variant<SampleTask, DenoiseTask, SdeditTask, AldTask, DpsTask, DdnmTask, DdrmTask,
                          PigdmTask, DiffpirTask, ReddiffTask, RepaintTask>;

// Everything that a job's result depends on, besides the weights.
struct TaskSpec {
  Task task;
  uint64_t seed = 0;
  // Empty, one for all images, or one an image (of the results).
  std::vector<int64_t> class_labels;
  // Results for each input image; result i * samples_per_image + j is the j-th
  // of input i. 1 for sampling.
  int samples_per_image = 1;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_TASK_H_
