#ifndef TWEEDIE_CORE_BASE_RETRY_H_
#define TWEEDIE_CORE_BASE_RETRY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tweedie {

// Errors that pass by themselves carry a payload that says when.

// Marks an error as one that passes by itself, `after` at the earliest (at least 1 s;
// whole seconds, rounded up).
absl::Status MayRetry(absl::Status status, absl::Duration after = absl::Seconds(1));

// What MayRetry() put in; nullopt if it did not.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_RETRY_H_
