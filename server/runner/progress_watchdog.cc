#include "server/runner/progress_watchdog.h"

#include <algorithm>
#include <utility>

namespace tweedie {
namespace {

constexpr int kLooksPerLimit = 10;
constexpr absl::Duration kLongestInterval = absl::Seconds(1);

absl::Duration IntervalFor(absl::Duration limit) {
  if (limit <= absl::ZeroDuration()) return kLongestInterval;
  return std::min(limit / kLooksPerLimit, kLongestInterval);
}

}  // namespace

ProgressWatchdog::ProgressWatchdog(absl::Duration limit, Callbacks callbacks)
    : limit_(limit), interval_(IntervalFor(limit)), callbacks_(std::move(callbacks)) {
  thread_ = std::make_unique<PeriodicThread>("watchdog", interval_, [this] { Look(); });
}

void ProgressWatchdog::Stop() { thread_->Stop(); }

void ProgressWatchdog::Look() {
  const int64_t now = callbacks_.progress();
  const bool busy = now % 2 != 0;
  const bool same = now == std::exchange(seen_, now);
  looks_ = busy && same ? looks_.load() + 1 : 0;
  const bool hangs = limit_ > absl::ZeroDuration() && stalled() >= limit_;
  if (!hangs) {
    if (callbacks_.on_alive) callbacks_.on_alive();
  } else if (looks_.load() % std::max<int64_t>(limit_ / interval_, 1) == 0) {
    callbacks_.on_hang();
  }
}

}  // namespace tweedie
