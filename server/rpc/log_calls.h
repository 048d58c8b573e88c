#ifndef TWEEDIE_SERVER_RPC_LOG_CALLS_H_
#define TWEEDIE_SERVER_RPC_LOG_CALLS_H_

#include "absl/status/statusor.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// The body of SetLogLevel. INVALID_ARGUMENT (`level`). Thread-safe; never blocks.
absl::StatusOr<v1::SetLogLevelResponse> SetLogLevel(const v1::SetLogLevelRequest& request);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_LOG_CALLS_H_
