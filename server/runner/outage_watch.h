#ifndef TWEEDIE_SERVER_RUNNER_OUTAGE_WATCH_H_
#define TWEEDIE_SERVER_RUNNER_OUTAGE_WATCH_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/jobs/job_store.h"
#include "server/runner/lease_keeper.h"

namespace tweedie {

// Tells leases that ran out because their holder died from those that ran out because
// the store was away, or this process stood still. Of one thread.
class OutageWatch {
 public:
  // Both outlive it.
  OutageWatch(LeaseKeeper::Options options, const Clock* clock, JobStore* store)
      : options_(options), clock_(clock), store_(store), last_there_(clock->Steady()) {}

  // Asks the store whether it answers, at least every few seconds. False if so much
  // time has passed since the last answer that leases of others may have run out in
  // it, and for a heartbeat after: whoever lives renews them in that time, of which no
  // part counts that went by within a question, and which a failed one begins anew.
  absl::StatusOr<bool> EveryoneCouldRenew() {
    const absl::Time asked = clock_->Steady();
    const bool in_grace = last_there_ - back_since_ < options_.heartbeat;
    const absl::Status answers = store_->Heartbeat({}, options_.lease).status();
    const absl::Time answered = clock_->Steady();
    if (!answers.ok()) {
      if (in_grace) last_there_ = absl::InfinitePast();
      return answers;
    }
    if (answered - last_there_ > options_.lease - 2 * options_.heartbeat) back_since_ = answered;
    // The store may have answered at once, and have been away since.
    last_there_ = asked;
    return asked - back_since_ >= options_.heartbeat;
  }

 private:
  const LeaseKeeper::Options options_;
  const Clock* const clock_;
  JobStore* const store_;
  absl::Time last_there_;  // the store answered then or later
  absl::Time back_since_ = absl::InfinitePast();
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_OUTAGE_WATCH_H_
