#include "client/cpp/back_off.h"

#include <algorithm>
#include <utility>

#include "client/cpp/rpc_status.h"

namespace tweedie {

BackOff::BackOff(const RetryPolicy& policy, std::function<absl::Time()> now,
                 std::function<double()> uniform)
    : policy_(policy),
      now_(std::move(now)),
      uniform_(std::move(uniform)),
      delay_(policy.first_delay) {}

std::optional<absl::Duration> BackOff::NextDelay(const absl::Status& error) {
  if (!IsRetryable(error)) return std::nullopt;
  const absl::Time now = now_();
  if (!first_failure_) first_failure_ = now;
  const absl::Duration jittered = delay_ * (0.5 + 0.5 * uniform_());
  delay_ = std::min(delay_ * policy_.multiplier, policy_.max_delay);
  // Beside what the server asks of everybody, or all would come back together.
  const absl::Duration delay = jittered + RetryDelayOf(error).value_or(absl::ZeroDuration());
  const absl::Duration patience =
      absl::IsResourceExhausted(error) ? policy_.give_up_when_full : policy_.give_up_after;
  if (now + delay > *first_failure_ + patience) return std::nullopt;
  return delay;
}

void BackOff::Reset() {
  delay_ = policy_.first_delay;
  first_failure_.reset();
}

}  // namespace tweedie
