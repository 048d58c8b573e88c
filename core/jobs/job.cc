#include "core/jobs/job.h"

namespace tweedie {
namespace {

struct Transition {
  JobState from;
  JobEvent event;
  JobState to;
};

// An ended job stays as it is: no row leaves SUCCEEDED, FAILED or CANCELLED.
constexpr Transition kTransitions[] = {
    {JobState::kQueued, JobEvent::kClaim, JobState::kRunning},
    {JobState::kQueued, JobEvent::kCancel, JobState::kCancelled},
    {JobState::kRunning, JobEvent::kRelease, JobState::kQueued},
    {JobState::kRunning, JobEvent::kRescue, JobState::kQueued},
    {JobState::kRunning, JobEvent::kSucceed, JobState::kSucceeded},
    {JobState::kRunning, JobEvent::kFail, JobState::kFailed},
    {JobState::kRunning, JobEvent::kCancel, JobState::kCancelled},
    {JobState::kQueued, JobEvent::kLose, JobState::kFailed},
    {JobState::kRunning, JobEvent::kLose, JobState::kFailed},
};

}  // namespace

std::optional<JobState> NextState(JobState state, JobEvent event) {
  for (const Transition& transition : kTransitions) {
    if (transition.from == state && transition.event == event) return transition.to;
  }
  return std::nullopt;
}

}  // namespace tweedie
