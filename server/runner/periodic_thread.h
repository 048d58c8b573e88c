#ifndef TWEEDIE_SERVER_RUNNER_PERIODIC_THREAD_H_
#define TWEEDIE_SERVER_RUNNER_PERIODIC_THREAD_H_

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "core/base/bell.h"
#include "core/base/thread_name.h"

namespace tweedie {

// A thread that does something at once, then every `interval` of the steady clock, and
// sooner when woken. Thread-safe. `name` as for NameThisThread(), and outlives it.
class PeriodicThread {
 public:
  PeriodicThread(const char* name, absl::Duration interval, std::function<void()> work)
      : interval_(interval), work_(std::move(work)), thread_([this, name] {
          NameThisThread(name);
          Run();
        }) {}
  ~PeriodicThread() { Stop(); }

  void Wake() { bell_.Ring(); }

  // Returns once the work in progress is done. It is not begun again.
  void Stop() {
    stopping_ = true;
    bell_.Ring();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    do {
      work_();
    } while (Wait());
  }
  bool Wait() {
    bell_.Wait(interval_);
    return !stopping_;
  }

  const absl::Duration interval_;
  const std::function<void()> work_;
  std::atomic<bool> stopping_ = false;
  Bell bell_;
  std::thread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_PERIODIC_THREAD_H_
