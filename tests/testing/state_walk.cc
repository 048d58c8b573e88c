#include "tests/testing/state_walk.h"

#include <array>

namespace tweedie {
namespace {

constexpr std::array kEvents = {JobEvent::kClaim,   JobEvent::kRelease, JobEvent::kRescue,
                                JobEvent::kSucceed, JobEvent::kFail,    JobEvent::kCancel,
                                JobEvent::kLose};

StatePlace Claimed(const StatePlace& place) { return {JobState::kRunning, place.attempt + 1}; }

}  // namespace

bool IsStep(const StatePlace& a, const StatePlace& b) {
  for (const JobEvent event : kEvents) {
    const int attempt = a.attempt + (event == JobEvent::kClaim ? 1 : 0);
    if (NextState(a.state, event) == b.state && attempt == b.attempt) return true;
  }
  return false;
}

bool MayFollow(const StatePlace& a, const StatePlace& b) {
  if (IsStep(a, b)) return true;
  const bool not_begun = b.state == JobState::kQueued || b.state == JobState::kFailed;
  return not_begun && IsStep(a, Claimed(a)) && IsStep(Claimed(a), b);
}

bool IsReachable(const StatePlace& a, const StatePlace& b) {
  if (a == b || IsStep(a, b)) return true;
  if (HasEnded(a.state) || b.attempt <= a.attempt) return false;
  // From any state that is not an end the job can be queued and claimed again.
  const StatePlace running = {JobState::kRunning, b.attempt};
  return b == running || IsStep(running, b);
}

}  // namespace tweedie
