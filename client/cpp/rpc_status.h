#ifndef TWEEDIE_CLIENT_CPP_RPC_STATUS_H_
#define TWEEDIE_CLIENT_CPP_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tweedie {

// The same code and message. Field violations among the error details that the
// message does not already name are appended to it; every detail becomes a
// payload of the status, under its type's URL.
absl::Status FromGrpcStatus(const grpc::Status& status);

// How long the server asks to wait before the call is tried again, if it says.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// The reason of the status's `ErrorInfo`, or "".
std::string ReasonOf(const absl::Status& status);

// Whether the same call may succeed later: UNAVAILABLE, or RESOURCE_EXHAUSTED
// with a retry delay. (gRPC's own refusal of an oversize message has none.)
bool IsRetryable(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_CLIENT_CPP_RPC_STATUS_H_
