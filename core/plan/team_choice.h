#ifndef TWEEDIE_CORE_PLAN_TEAM_CHOICE_H_
#define TWEEDIE_CORE_PLAN_TEAM_CHOICE_H_

#include "absl/time/time.h"

namespace tweedie::plan {

// Whether a row is faster by a team or by one thread: by what both took lately. A team
// is, unless other programs keep its threads from running at once: each op then waits
// for the last of them. Results do not depend on the choice. Not thread-safe.
class TeamChoice {
 public:
  // For the next call. The first ones try both in turns, as either is slow at its very first;
  // later every 64th tries the slower way again.
  bool UseTeam() {
    if (++calls_ <= kFirst) return calls_ % 2 == 1;
    const bool faster = team_ <= alone_;
    return calls_ % kTryAgain == 0 ? !faster : faster;
  }
  // What a call took. Once faster is believed at once; slower must be so a few times.
  void Took(bool team, absl::Duration time) {
    absl::Duration& known = team ? team_ : alone_;
    known = time < known ? time : (3 * known + time) / 4;
  }

 private:
  static constexpr int kFirst = 8, kTryAgain = 64;

  int calls_ = 0;
  absl::Duration team_ = absl::InfiniteDuration(), alone_ = absl::InfiniteDuration();
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_TEAM_CHOICE_H_
