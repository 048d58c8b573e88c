#ifndef TWEEDIE_SERVER_CONVERT_PRIOR_TASKS_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_PRIOR_TASKS_PROTO_H_

#include "absl/status/statusor.h"
#include "core/methods/task.h"
#include "tweedie/v1/task.pb.h"

namespace tweedie {

// The tasks that need no measurement. FromProto() reads a task but for its
// tensors; INVALID_ARGUMENT with the path from the task (`level`,
// `process.kind`). ToProto() is the inverse. Thread-safe.
absl::StatusOr<SampleTask> FromProto(const v1::SampleTask& proto);
absl::StatusOr<DenoiseTask> FromProto(const v1::DenoiseTask& proto);
absl::StatusOr<SdeditTask> FromProto(const v1::SdeditTask& proto);
v1::SampleTask ToProto(const SampleTask& task);
v1::DenoiseTask ToProto(const DenoiseTask& task);
// The guide is told by an empty message.
v1::SdeditTask ToProto(const SdeditTask& task);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_PRIOR_TASKS_PROTO_H_
