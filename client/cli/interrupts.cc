#include "client/cli/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "client/cli/exit_code.h"

namespace tweedie::cli {
namespace {

constexpr unsigned kFarewellSeconds = 2;

// A blocked signal arrives even if it is ignored, as SIGHUP is by nohup.
bool IsIgnored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t TakenSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  for (const int signal : {SIGTERM, SIGHUP, SIGQUIT}) {
    if (!IsIgnored(signal)) sigaddset(&set, signal);
  }
  return set;
}

int OpenSignals() {
  const sigset_t set = TakenSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

// Ends the process as if it had not been blocked.
void DieOf(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
}

}  // namespace

Interrupts::Farewell::Farewell(Interrupts* interrupts, std::function<void()> action)
    : interrupts_(interrupts) {
  absl::MutexLock lock(&interrupts_->farewell_mu_);
  action_ = interrupts_->farewells_.insert(interrupts_->farewells_.begin(), std::move(action));
}

Interrupts::Farewell::~Farewell() {
  absl::MutexLock lock(&interrupts_->farewell_mu_);
  interrupts_->farewells_.erase(action_);
}

Interrupts::Interrupts(Cancellation* cancellation)
    : cancellation_(cancellation),
      signal_fd_(OpenSignals()),
      stop_fd_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Run(); }) {}

Interrupts::~Interrupts() {
  const uint64_t one = 1;
  // An eventfd takes a 1 at any time.
  if (write(stop_fd_, &one, sizeof(one)) != sizeof(one)) std::abort();
  thread_.join();
  close(signal_fd_);
  close(stop_fd_);
  const sigset_t set = TakenSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int Interrupts::count() const {
  absl::MutexLock lock(&mu_);
  return count_;
}

bool Interrupts::WaitForCount(int count, absl::Duration timeout) const {
  absl::MutexLock lock(&mu_);
  const auto reached = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return count_ >= count; };
  return mu_.AwaitWithTimeout(absl::Condition(&reached), timeout);
}

void Interrupts::Run() {
  pollfd fds[] = {{signal_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  while (true) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    if (fds[0].revents != 0 && read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
      OnSignal(static_cast<int>(info.ssi_signo));
    }
  }
}

void Interrupts::OnSignal(int signal) {
  if (signal == SIGINT) return OnInterrupt();
  End([signal] { DieOf(signal); });
}

void Interrupts::End(const std::function<void()>& end) {
  // A terminal or a pipe that takes nothing must not keep the process alive.
  alarm(kFarewellSeconds);
  absl::MutexLock lock(&farewell_mu_);
  for (const std::function<void()>& action : farewells_) action();
  end();
}

void Interrupts::OnInterrupt() {
  int count;
  {
    absl::MutexLock lock(&mu_);
    count = ++count_;
  }
  if (count == 1) cancellation_->Cancel();
  if (count >= 3) End([] { std::_Exit(kInterrupted); });
}

}  // namespace tweedie::cli
