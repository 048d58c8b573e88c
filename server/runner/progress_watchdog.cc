#include "server/runner/progress_watchdog.h"

#include <utility>

namespace tweedie {
namespace {

constexpr int kLooksPerLimit = 10;

}  // namespace

ProgressWatchdog::ProgressWatchdog(absl::Duration limit, std::function<int64_t()> progress,
                                   std::function<void()> on_hang)
    : progress_(std::move(progress)), on_hang_(std::move(on_hang)) {
  if (limit <= absl::ZeroDuration()) return;
  thread_ =
      std::make_unique<PeriodicThread>("watchdog", limit / kLooksPerLimit, [this] { Look(); });
}

void ProgressWatchdog::Stop() {
  if (thread_ != nullptr) thread_->Stop();
}

void ProgressWatchdog::Look() {
  const int64_t now = progress_();
  const bool busy = now % 2 != 0;
  if (!busy || now != std::exchange(seen_, now)) {
    looks_ = 0;
    return;
  }
  if (++looks_ % kLooksPerLimit == 0) on_hang_();
}

}  // namespace tweedie
