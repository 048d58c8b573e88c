#ifndef TWEEDIE_SERVER_CONVERT_TASK_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_TASK_PROTO_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/methods/task.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// INVALID_ARGUMENT (`task`) if none is set, or one of a later version.
absl::Status CheckTaskGiven(const v1::Job& job);

// The field of `Job` that holds its task: `sample`, `denoise`; `task` if none is
// set.
absl::string_view TaskField(const v1::Job& job);

// Reads everything that a job's result depends on, but for its tensors: task,
// seed (0 if unset), class labels as they are, samples per image. Zeros that
// stand for ones become ones. INVALID_ARGUMENT with the path from the job
// (`denoise.level`) for what no model could serve. Thread-safe.
absl::StatusOr<TaskSpec> ReadTask(const v1::Job& job);

// The inverse, into the fields of `job` that ReadTask() reads: for a resolved
// task ReadTask() then gives `spec` again, less its tensors. Of these, empty
// messages say which there are where a oneof chooses. Thread-safe.
void WriteTask(const TaskSpec& spec, v1::Job* job);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_TASK_PROTO_H_
