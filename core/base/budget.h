#ifndef TWEEDIE_CORE_BASE_BUDGET_H_
#define TWEEDIE_CORE_BASE_BUDGET_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {

// Bounds what calls hold together: bytes, or streams. Thread-safe; must outlive what it
// gives.
class Budget {
 public:
  // Given back when the last copy is gone.
  using Held = std::shared_ptr<const void>;

  explicit Budget(int64_t most) : most_(most) {}

  // Null if there is no room for `amount`. One that is alone is taken, whatever it is.
  Held Take(int64_t amount) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (held_ > 0 && amount > most_ - held_) return nullptr;
    held_ += amount;
    return Held(this, [this, amount](const void*) { GiveBack(amount); });
  }
  int64_t held() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return held_;
  }

 private:
  void GiveBack(int64_t amount) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    held_ -= amount;
  }

  const int64_t most_;
  mutable absl::Mutex mu_;
  int64_t held_ ABSL_GUARDED_BY(mu_) = 0;
};

// What takes room in a budget, and its room.
template <typename T>
struct InBudget {
  T value;
  Budget::Held place;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_BUDGET_H_
