#ifndef TWEEDIE_SERVER_CONVERT_RESTORATION_TASKS_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_RESTORATION_TASKS_PROTO_H_

#include "absl/status/statusor.h"
#include "core/methods/task.h"
#include "tweedie/v1/task.pb.h"

namespace tweedie {

// The tasks that make x0_hat agree with the measurement in closed form.
// FromProto() reads a task but for its tensors; INVALID_ARGUMENT with the path
// from the task (`measurement.source`, `process.kind`). ToProto() is the
// inverse. Thread-safe.
absl::StatusOr<DdnmTask> FromProto(const v1::DdnmTask& proto);
absl::StatusOr<DdrmTask> FromProto(const v1::DdrmTask& proto);
absl::StatusOr<DiffpirTask> FromProto(const v1::DiffpirTask& proto);
absl::StatusOr<RepaintTask> FromProto(const v1::RepaintTask& proto);
v1::DdnmTask ToProto(const DdnmTask& task);
v1::DdrmTask ToProto(const DdrmTask& task);
v1::DiffpirTask ToProto(const DiffpirTask& task);
v1::RepaintTask ToProto(const RepaintTask& task);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_RESTORATION_TASKS_PROTO_H_
