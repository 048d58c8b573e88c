#ifndef TWEEDIE_CLIENT_CLI_INTERRUPTS_H_
#define TWEEDIE_CLIENT_CLI_INTERRUPTS_H_

#include <functional>
#include <list>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/cancellation.h"

namespace tweedie::cli {

// Counts Ctrl-C (SIGINT). The first cancels `cancellation`; the third ends the
// process at once, as SIGTERM, SIGHUP and SIGQUIT do unless they were ignored; then what a
// Farewell asks for is done before. Signals are taken by a thread of its own, so nothing
// runs in a signal handler. Make it before any other thread, which then inherits that
// they are blocked. Thread-safe.
class Interrupts {
 public:
  // Has `action` done, on the thread of the signals, before one of them ends the process,
  // while this lives. No other action is done beside it, and no Farewell comes or goes.
  class Farewell {
   public:
    Farewell(Interrupts* interrupts, std::function<void()> action);
    ~Farewell();
    Farewell(const Farewell&) = delete;
    Farewell& operator=(const Farewell&) = delete;

   private:
    Interrupts* const interrupts_;
    std::list<std::function<void()>>::iterator action_;
  };

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
  void OnSignal(int signal) ABSL_LOCKS_EXCLUDED(mu_);
  void OnInterrupt() ABSL_LOCKS_EXCLUDED(mu_);
  // Does the actions, and ends the process by `end`.
  void End(const std::function<void()>& end) ABSL_LOCKS_EXCLUDED(farewell_mu_);

  Cancellation* const cancellation_;
  const int signal_fd_;
  const int stop_fd_;
  mutable absl::Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Mutex farewell_mu_;
  std::list<std::function<void()>> farewells_ ABSL_GUARDED_BY(farewell_mu_);
  std::thread thread_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_INTERRUPTS_H_
