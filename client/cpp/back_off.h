#ifndef TWEEDIE_CLIENT_CPP_BACK_OFF_H_
#define TWEEDIE_CLIENT_CPP_BACK_OFF_H_

#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tweedie {

// When a failed call is tried again.
struct RetryPolicy {
  absl::Duration first_delay = absl::Milliseconds(100);
  absl::Duration max_delay = absl::Seconds(5);
  double multiplier = 2.0;
  // From the first failure (of a stream: since its last progress) to the last
  // try; 0 for no second try.
  absl::Duration give_up_after = absl::Seconds(15);
  // Likewise where the server is there, and its queue is full.
  absl::Duration give_up_when_full = absl::Hours(1);
};

// The delays between the tries of one call: exponential, each drawn from the
// upper half of its span so that clients do not come back together. Not
// thread-safe.
class BackOff {
 public:
  // `now` tells the time; `uniform` draws from [0, 1).
  BackOff(const RetryPolicy& policy, std::function<absl::Time()> now,
          std::function<double()> uniform);

  // How long to wait before the next try after `error`: what the server asked
  // for, if it did, and a delay of our own; nullopt if there must be none: `error` is not
  // retryable, or the time is up.
  std::optional<absl::Duration> NextDelay(const absl::Status& error);

  // Forgets earlier failures, after progress.
  void Reset();

 private:
  const RetryPolicy policy_;
  const std::function<absl::Time()> now_;
  const std::function<double()> uniform_;
  absl::Duration delay_;
  std::optional<absl::Time> first_failure_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CLIENT_CPP_BACK_OFF_H_
