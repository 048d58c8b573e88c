#ifndef TWEEDIE_CORE_BASE_BELL_H_
#define TWEEDIE_CORE_BASE_BELL_H_

#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace tweedie {

// What a thread waits at, for others to ring or for time to pass: time of the steady
// clock. absl::Mutex (Debian's, 20220623) waits for a time of day instead, and where the
// clock is set back by an hour, waits an hour more. Thread-safe.
class Bell {
 public:
  // Wakes the wait that goes on, or else the next.
  void Ring() {
    {
      const std::lock_guard<std::mutex> lock(mu_);
      rung_ = true;
    }
    changed_.notify_one();
  }
  // For one thread.
  void Wait(absl::Duration timeout = absl::InfiniteDuration()) {
    std::unique_lock<std::mutex> lock(mu_);
    const auto rung = [this] { return rung_; };
    if (timeout == absl::InfiniteDuration()) {
      changed_.wait(lock, rung);
    } else {
      changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), rung);
    }
    rung_ = false;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool rung_ = false;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_BELL_H_
