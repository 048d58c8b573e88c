#ifndef TWEEDIE_CORE_BASE_CLOCK_H_
#define TWEEDIE_CORE_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace tweedie {

// The time of day, passed in so that tests can set it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  // The machine's clock. Lives for ever.
  static const Clock* Real();
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_CLOCK_H_
