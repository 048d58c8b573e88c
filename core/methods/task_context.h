#ifndef TWEEDIE_CORE_METHODS_TASK_CONTEXT_H_
#define TWEEDIE_CORE_METHODS_TASK_CONTEXT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/diffusion/diffusion_model.h"
#include "core/operators/measurement.h"

namespace tweedie {

// What a task is resolved and started with, besides itself. Each task's file has
//   absl::StatusOr<SomeTask> Resolve(const SomeTask&, const TaskContext&),
// which fills in what was left open and checks everything, and, for a task that
// is a ReverseLoop,
//   absl::Status SetUp(const SomeTask&, const TaskContext&, ReverseLoop::Options*),
// which sets the path, the rule, the clipping and x of a resolved task.
struct TaskContext {
  const DiffusionModel& model;
  std::shared_ptr<const Measurement> measurement;  // the task's; null if it has none
  uint64_t seed = 0;
  int samples_per_image = 1;

  // Rows of a task that has a measurement.
  int64_t num_rows() const { return measurement->y.size(0) * samples_per_image; }
};

// x_T ~ N(0, I), [n, C, H, W]: of row r, Normals(seed, r, 0, kInitial).
at::Tensor InitialNoise(const TaskContext& context, int64_t n);

// INVALID_ARGUMENT for `field` unless `images` are finite float32 [N, C, H, W] of
// the model's shape, N at least 1.
absl::Status CheckImages(absl::string_view field, const at::Tensor& images,
                         const DiffusionModel& model);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_TASK_CONTEXT_H_
