#ifndef TWEEDIE_CORE_BASE_FINITE_TIME_H_
#define TWEEDIE_CORE_BASE_FINITE_TIME_H_

#include "absl/time/time.h"

namespace tweedie {

// Whether `time` is one at which something happens: what has not happened, and what
// never will, is at one of the infinite ones.
inline bool IsFinite(absl::Time time) {
  return time != absl::InfinitePast() && time != absl::InfiniteFuture();
}

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_FINITE_TIME_H_
