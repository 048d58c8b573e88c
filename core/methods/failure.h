#ifndef TWEEDIE_CORE_METHODS_FAILURE_H_
#define TWEEDIE_CORE_METHODS_FAILURE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Why a running job failed, for a program to read: an UPPER_SNAKE_CASE reason
// travels in the status beside the message, and becomes `JobError.reason`.

// Returns `status`, which must not be OK, with `reason`; an earlier reason is
// replaced.
absl::Status WithReason(absl::Status status, absl::string_view reason);

// Returns INTERNAL with reason `DIVERGED`: numbers of the job stopped being
// finite.
absl::Status Diverged(absl::string_view message);

// Returns the reason of `status`, or nullopt if it has none.
std::optional<std::string> ReasonOf(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_FAILURE_H_
