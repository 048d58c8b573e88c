#include "core/methods/sample.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/task_process.h"

namespace tweedie {

absl::StatusOr<SampleTask> Resolve(const SampleTask& task, const TaskContext& context) {
  if (task.num_images < 1) {
    return FieldError("num_images", absl::StrCat("must be at least 1; was ", task.num_images));
  }
  SampleTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process, ResolveSamplingField(task.process, context.model,
                                                          context.model.schedule.num_timesteps()));
  return resolved;
}

absl::Status SetUp(const SampleTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  options->x = InitialNoise(context, task.num_images);
  return SetProcess(task.process, context.model.schedule.num_timesteps(), options);
}

}  // namespace tweedie
