#ifndef TWEEDIE_CLIENT_CLI_INTERRUPTS_H_
#define TWEEDIE_CLIENT_CLI_INTERRUPTS_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/cancellation.h"

namespace tweedie::cli {

// Counts Ctrl-C (SIGINT). The first cancels `cancellation`; the third ends the
// process at once. Signals are taken by a thread of its own, so nothing runs in
// a signal handler. Make it before any other thread, which then inherits that
// SIGINT is blocked. Thread-safe.
class Interrupts {
 public:
  // `cancellation` must outlive it.
  explicit Interrupts(Cancellation* cancellation);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int count() const ABSL_LOCKS_EXCLUDED(mu_);
  // Returns whether the count reached `count` before `timeout` had passed.
  bool WaitForCount(int count, absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  void OnInterrupt() ABSL_LOCKS_EXCLUDED(mu_);

  Cancellation* const cancellation_;
  const int signal_fd_;
  const int stop_fd_;
  mutable absl::Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread thread_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_INTERRUPTS_H_
