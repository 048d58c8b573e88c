#ifndef TWEEDIE_SERVER_RUNNER_PROGRESS_WATCHDOG_H_
#define TWEEDIE_SERVER_RUNNER_PROGRESS_WATCHDOG_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "server/runner/periodic_thread.h"

namespace tweedie {

// Finds a step that hangs, which heartbeats from another thread would hide for
// ever. Has a thread of its own. It counts its own looks instead of reading a
// clock, so that a process that was suspended is not taken for one that hangs.
class ProgressWatchdog {
 public:
  // `progress` is odd while something is being done, and another number for each
  // thing (EngineThread::progress()). `on_hang` is called when the same thing has
  // been being done for `limit`, and again after each further `limit`. A limit of
  // zero: never. All outlive the watchdog.
  ProgressWatchdog(absl::Duration limit, std::function<int64_t()> progress,
                   std::function<void()> on_hang);

  void Stop();

 private:
  void Look();

  const std::function<int64_t()> progress_;
  const std::function<void()> on_hang_;
  // Of the watchdog's thread.
  int64_t seen_ = 0;
  int looks_ = 0;  // that saw it
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_PROGRESS_WATCHDOG_H_
