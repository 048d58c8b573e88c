#ifndef TWEEDIE_SERVER_CONVERT_TASK_TENSORS_H_
#define TWEEDIE_SERVER_CONVERT_TASK_TENSORS_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/methods/task.h"

namespace tweedie {

// A tensor that a task may hold, float32, and its name in the job's input.
struct TaskTensor {
  const char* name = nullptr;
  at::Tensor* tensor = nullptr;  // of the task; undefined if it holds none
  bool images = false;           // whether it is images, [N, C, H, W]
};

// Every tensor that `task` may hold by its kind: `images`, `guide`, `keep_mask`,
// `y`, `simulate_from`, `operator_mask`, `operator_kernel`. They lie in the
// job's input under these names, never in its spec.
std::vector<TaskTensor> TensorsOf(Task* task);

// The task's measurement; null if it has none. MeasurementOf() (make_method.h)
// for a task that is to change.
MeasurementSpec* MutableMeasurementOf(Task* task);

// The images that serve as the job's reference if it has none: those that the
// task noises or measures itself. Undefined if there are none. A guide is none:
// it is what is to be changed.
at::Tensor OwnReference(const TaskSpec& spec);

// What the task lacks of the tensors that it must hold, in words (`no images`);
// empty if nothing.
std::string MissingTensors(const TaskSpec& spec);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_TASK_TENSORS_H_
