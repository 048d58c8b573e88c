#ifndef TWEEDIE_TESTS_TESTING_STATE_WALK_H_
#define TWEEDIE_TESTS_TESTING_STATE_WALK_H_

#include "core/jobs/job.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// A job's state in one of its attempts: a place in the table of core/jobs/job.cc, in
// which a claim, and nothing else, raises the attempt.
struct StatePlace {
  JobState state = JobState::kQueued;
  int attempt = 0;

  friend bool operator==(const StatePlace& a, const StatePlace& b) {
    return a.state == b.state && a.attempt == b.attempt;
  }
};

inline StatePlace PlaceOf(v1::Job::State state, int attempt) {
  return {static_cast<JobState>(state), attempt};
}

// Whether one event leads from `a` to `b`.
bool IsStep(const StatePlace& a, const StatePlace& b);
// Whether a watcher who is told of every change may be told `b` right after `a`:
// one event, or a claim whose job could not be begun.
bool MayFollow(const StatePlace& a, const StatePlace& b);
// Whether any number of events, none included, lead from `a` to `b`.
bool IsReachable(const StatePlace& a, const StatePlace& b);

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_STATE_WALK_H_
