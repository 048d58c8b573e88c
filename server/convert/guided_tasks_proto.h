#ifndef TWEEDIE_SERVER_CONVERT_GUIDED_TASKS_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_GUIDED_TASKS_PROTO_H_

#include "absl/status/statusor.h"
#include "core/methods/task.h"
#include "tweedie/v1/task.pb.h"

namespace tweedie {

// The tasks that follow the likelihood's gradient. FromProto() reads a task but
// for its tensors; INVALID_ARGUMENT with the path from the task
// (`measurement.source`, `process.kind`, `prior`). ToProto() is the inverse.
// Thread-safe.
absl::StatusOr<AldTask> FromProto(const v1::AldTask& proto);
absl::StatusOr<DpsTask> FromProto(const v1::DpsTask& proto);
absl::StatusOr<PigdmTask> FromProto(const v1::PigdmTask& proto);
absl::StatusOr<ReddiffTask> FromProto(const v1::ReddiffTask& proto);
v1::AldTask ToProto(const AldTask& task);
v1::DpsTask ToProto(const DpsTask& task);
v1::PigdmTask ToProto(const PigdmTask& task);
v1::ReddiffTask ToProto(const ReddiffTask& task);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_GUIDED_TASKS_PROTO_H_
