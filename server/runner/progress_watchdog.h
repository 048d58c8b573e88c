#ifndef TWEEDIE_SERVER_RUNNER_PROGRESS_WATCHDOG_H_
#define TWEEDIE_SERVER_RUNNER_PROGRESS_WATCHDOG_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "server/runner/periodic_thread.h"

namespace tweedie {

// Finds a step that hangs, which heartbeats from another thread would hide for
// ever. Has a thread of its own, which looks ten times in the limit, and each second
// at least. It counts its own looks instead of reading a clock, so that a process that
// was suspended is not taken for one that hangs.
class ProgressWatchdog {
 public:
  struct Callbacks {
    // Odd while something is being done, and another number for each thing
    // (EngineThread::progress()).
    std::function<int64_t()> progress;
    // The same thing has been being done for the limit; again after each further limit.
    std::function<void()> on_hang;
    // A look found nothing that hangs. May be empty.
    std::function<void()> on_alive;
  };
  // A limit of zero: nothing ever hangs. What `callbacks` use outlives the watchdog.
  ProgressWatchdog(absl::Duration limit, Callbacks callbacks);

  // For how long the same thing has been seen being done; zero if nothing is.
  absl::Duration stalled() const { return looks_.load() * interval_; }

  void Stop();

 private:
  void Look();

  const absl::Duration limit_;
  const absl::Duration interval_;
  const Callbacks callbacks_;
  int64_t seen_ = 0;            // of the watchdog's thread
  std::atomic<int> looks_ = 0;  // that saw it again
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_PROGRESS_WATCHDOG_H_
