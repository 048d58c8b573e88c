#ifndef TWEEDIE_CORE_METHODS_SAMPLE_H_
#define TWEEDIE_CORE_METHODS_SAMPLE_H_

#include "absl/status/statusor.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

absl::StatusOr<SampleTask> Resolve(const SampleTask& task, const TaskContext& context);

// From x_T over all timesteps.
absl::Status SetUp(const SampleTask& task, const TaskContext& context,
                   ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_SAMPLE_H_
