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
      : options_(options), clock_(clock), store_(store), last_answer_(clock->Steady()) {}

  // Asks the store whether it answers, at least every few seconds. False if so much
  // time has passed since the last answer that leases of others may have run out in
  // it, and for a heartbeat after: whoever lives renews them in that time.
  absl::StatusOr<bool> EveryoneCouldRenew() {
    const absl::Status answers = store_->Heartbeat({}, options_.lease).status();
    if (!answers.ok()) return answers;
    // After the answer, which may itself have been long in coming.
    const absl::Time now = clock_->Steady();
    if (now - last_answer_ > options_.lease - 2 * options_.heartbeat) back_since_ = now;
    last_answer_ = now;
    return now - back_since_ >= options_.heartbeat;
  }

 private:
  const LeaseKeeper::Options options_;
  const Clock* const clock_;
  JobStore* const store_;
  absl::Time last_answer_;
  absl::Time back_since_ = absl::InfinitePast();
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_OUTAGE_WATCH_H_
