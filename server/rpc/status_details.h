#ifndef TWEEDIE_SERVER_RPC_STATUS_DETAILS_H_
#define TWEEDIE_SERVER_RPC_STATUS_DETAILS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "core/base/retry.h"

namespace tweedie {

// `status` for the wire, with google.rpc details: BadRequest for the field that
// FieldOf() names, QuotaFailure for a full queue, ErrorInfo (domain `tweedie`)
// always, and RetryInfo where the call may be made again: UNAVAILABLE, and
// RESOURCE_EXHAUSTED that MayRetry() (which says when) or a full queue marks.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_STATUS_DETAILS_H_
