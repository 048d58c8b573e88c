#ifndef TWEEDIE_CORE_JOBS_POSTGRES_BACKOFF_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_BACKOFF_H_

#include <algorithm>

#include "absl/time/time.h"
#include "core/base/ids.h"

namespace tweedie::postgres {

// Waits between tries: doubled each time, between half and the whole of it by
// chance, so that servers do not return all at once. Not thread-safe.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration longest)
      : first_(first), longest_(longest), next_(first) {}

  // After a success.
  void Reset() { next_ = first_; }
  absl::Duration Next() {
    const double chance = static_cast<double>(RandomBits() >> 11) * 0x1p-53;
    const absl::Duration wait = next_ * (0.5 + 0.5 * chance);
    next_ = std::min(next_ * 2, longest_);
    return wait;
  }

 private:
  const absl::Duration first_;
  const absl::Duration longest_;
  absl::Duration next_;
};

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_BACKOFF_H_
