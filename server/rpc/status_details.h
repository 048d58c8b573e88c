#ifndef TWEEDIE_SERVER_RPC_STATUS_DETAILS_H_
#define TWEEDIE_SERVER_RPC_STATUS_DETAILS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// `status` for the wire, with google.rpc details: BadRequest for the field that
// FieldOf() names, QuotaFailure for a full queue, ErrorInfo (domain `tweedie`)
// always, and RetryInfo where the call may be made again: UNAVAILABLE, and
// RESOURCE_EXHAUSTED that MayRetry() or a full queue marks.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Marks an error as one that passes by itself.
absl::Status MayRetry(absl::Status status);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_STATUS_DETAILS_H_
