#ifndef TWEEDIE_CORE_BASE_CLOCK_H_
#define TWEEDIE_CORE_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace tweedie {

// Time, passed in so that tests can set it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Of day. May be set back and forth by who looks after the machine.
  virtual absl::Time Now() const = 0;
  // Goes on by a second a second, while the machine is suspended, too. Only
  // differences between two of this machine's mean something.
  virtual absl::Time Steady() const = 0;
  // The machine's clocks. Lives for ever.
  static const Clock* Real();
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_CLOCK_H_
