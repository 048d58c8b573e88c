#ifndef TWEEDIE_SERVER_CONVERT_PROCESS_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_PROCESS_PROTO_H_

#include "absl/status/statusor.h"
#include "core/methods/task.h"
#include "tweedie/v1/task.pb.h"

namespace tweedie {

// Reads a reverse process as asked for: `..._UNSPECIFIED` is an unset field.
// INVALID_ARGUMENT with the path from the process (`kind`) for an enum value
// that this version does not know; what the values may be together is checked
// by ResolveTask(). Thread-safe.
absl::StatusOr<ReverseProcessSpec> ReadProcess(const v1::ReverseProcess& process);

// The inverse: ReadProcess(WriteProcess(s)) is s. Fields that `spec` leaves
// unset stay unset. Thread-safe.
v1::ReverseProcess WriteProcess(const ReverseProcessSpec& spec);

// The same for a task whose step is its own rule, so that its process says only
// which levels there are: `kind`, `eta` and `variance` must be unset, and are
// not written.
absl::StatusOr<ReverseProcessSpec> ReadLevels(const v1::ReverseProcess& process);
v1::ReverseProcess WriteLevels(const ReverseProcessSpec& spec);

// `spec`; its error as one of the field `process`.
absl::StatusOr<ReverseProcessSpec> InProcess(absl::StatusOr<ReverseProcessSpec> spec);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_PROCESS_PROTO_H_
