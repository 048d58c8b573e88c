#ifndef TWEEDIE_SERVER_RPC_RESOURCE_NAMES_H_
#define TWEEDIE_SERVER_RPC_RESOURCE_NAMES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The last part of a well-formed name; otherwise INVALID_ARGUMENT of field
// `name`.
absl::StatusOr<std::string> ParseJobName(absl::string_view name);
absl::StatusOr<std::string> ParseModelName(absl::string_view name);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_RESOURCE_NAMES_H_
