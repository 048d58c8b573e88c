#include "core/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace tweedie {
namespace {

class RealClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
  absl::Time Steady() const override {
    timespec since_boot = {};
    // Cannot fail: the clock is there, and so is the memory.
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return absl::TimeFromTimespec(since_boot);
  }
};

}  // namespace

const Clock* Clock::Real() {
  static const RealClock clock;
  return &clock;
}

}  // namespace tweedie
