#ifndef TWEEDIE_SERVER_RUNNER_PERIODIC_THREAD_H_
#define TWEEDIE_SERVER_RUNNER_PERIODIC_THREAD_H_

#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/thread_name.h"

namespace tweedie {

// A thread that does something at once, then every `interval`, and sooner when
// woken. Thread-safe. `name` as for NameThisThread(), and outlives it.
class PeriodicThread {
 public:
  PeriodicThread(const char* name, absl::Duration interval, std::function<void()> work)
      : interval_(interval), work_(std::move(work)), thread_([this, name] {
          NameThisThread(name);
          Run();
        }) {}
  ~PeriodicThread() { Stop(); }

  void Wake() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    woken_ = true;
  }

  // Returns once the work in progress is done. It is not begun again.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_) {
    do {
      work_();
    } while (Wait());
  }
  bool Wait() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return woken_ || stopping_; };
    mu_.AwaitWithTimeout(absl::Condition(&ready), interval_);
    woken_ = false;
    return !stopping_;
  }

  const absl::Duration interval_;
  const std::function<void()> work_;
  absl::Mutex mu_;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_PERIODIC_THREAD_H_
