#ifndef TWEEDIE_SERVER_CONVERT_TASK_INPUTS_H_
#define TWEEDIE_SERVER_CONVERT_TASK_INPUTS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/methods/task.h"
#include "core/operators/operator.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// How many images or measurements a job is given, and in which field.
struct TaskInputs {
  std::string field;  // path from the job: `denoise.images`, `dps.measurement.y`
  int64_t count = 0;  // as the request claims; ReadTaskTensors() checks it
};

// The inputs of the job's task; of sampling the images that it is to make.
// INVALID_ARGUMENT with the path from the job for images that are required and
// missing. Thread-safe. `job` has passed ReadTask().
absl::StatusOr<TaskInputs> CountInputs(const v1::Job& job);

// The measurement of the job's task; null if it has none.
const v1::Measurement* MeasurementOf(const v1::Job& job);

// Reads every tensor of the job's task into `task`, which ReadTask() made of the
// same message. INVALID_ARGUMENT with the path from the job. Thread-safe.
absl::Status ReadTaskTensors(const v1::Job& job, const ImageShape3& image_shape, int64_t max_inputs,
                             int64_t max_file_pixels, Task* task);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_TASK_INPUTS_H_
