#include "server/runner/progress_watchdog.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace tweedie {
namespace {

constexpr absl::Duration kLimit = absl::Milliseconds(10);
constexpr absl::Duration kPatience = absl::Seconds(60);

// What the watchdog sees, look by look, and whether it found a hang.
class Watched {
 public:
  // `progress` is given the number of the look.
  explicit Watched(std::function<int64_t(int)> progress) : progress_(std::move(progress)) {}

  int64_t Look() {
    absl::MutexLock lock(&mu_);
    return progress_(looks_++);
  }
  void Hang() {
    absl::MutexLock lock(&mu_);
    if (hang_at_ == 0) hang_at_ = looks_;
  }
  // True if it was looked at so often.
  bool AwaitLooks(int looks) {
    absl::MutexLock lock(&mu_);
    const auto reached = [&] { return looks_ >= looks; };
    return mu_.AwaitWithTimeout(absl::Condition(&reached), kPatience);
  }
  // The look at which it was found to hang; 0: not yet.
  int hang_at() {
    absl::MutexLock lock(&mu_);
    return hang_at_;
  }

 private:
  absl::Mutex mu_;
  const std::function<int64_t(int)> progress_;
  int looks_ = 0;
  int hang_at_ = 0;
};

// The look at which a hang was found, within `looks`.
int HangOf(std::function<int64_t(int)> progress, int looks) {
  Watched watched(std::move(progress));
  ProgressWatchdog watchdog(kLimit,
                            {[&] { return watched.Look(); }, [&] { watched.Hang(); }, nullptr});
  EXPECT_TRUE(watched.AwaitLooks(looks));
  watchdog.Stop();
  return watched.hang_at();
}

TEST(ProgressWatchdogTest, AStepThatDoesNotEndHangs) {
  EXPECT_EQ(HangOf([](int) { return 7; }, 15), 11) << "ten tenths of the limit after the first";
}

TEST(ProgressWatchdogTest, WhoDoesNothingDoesNotHang) {
  EXPECT_EQ(HangOf([](int) { return 8; }, 40), 0);
}

TEST(ProgressWatchdogTest, StepsThatEndInTimeDoNotHang) {
  EXPECT_EQ(HangOf([](int look) { return 2 * (look / 9) + 1; }, 60), 0);
}

TEST(ProgressWatchdogTest, AStepThatHangsAfterOthersIsFound) {
  EXPECT_EQ(HangOf([](int look) { return look < 20 ? 2 * look + 1 : 41; }, 40), 31);
}

TEST(ProgressWatchdogTest, TellsThatItIsAliveUntilSomethingHangs) {
  std::atomic<int> alive = 0;
  Watched watched([](int) { return 7; });
  ProgressWatchdog watchdog(
      kLimit, {[&] { return watched.Look(); }, [&] { watched.Hang(); }, [&] { ++alive; }});
  ASSERT_TRUE(watched.AwaitLooks(25));
  watchdog.Stop();
  EXPECT_EQ(alive, 10) << "each look but those from the limit on";
  EXPECT_GE(watchdog.stalled(), 2 * kLimit);
}

TEST(ProgressWatchdogTest, WhoDoesNothingIsAliveAndNotStalled) {
  std::atomic<int> alive = 0;
  Watched watched([](int) { return 8; });
  ProgressWatchdog watchdog(
      kLimit, {[&] { return watched.Look(); }, [&] { watched.Hang(); }, [&] { ++alive; }});
  ASSERT_TRUE(watched.AwaitLooks(15));
  watchdog.Stop();
  EXPECT_GE(alive, 15);
  EXPECT_EQ(watchdog.stalled(), absl::ZeroDuration());
}

TEST(ProgressWatchdogTest, WithoutALimitNothingHangs) {
  std::atomic<bool> alive = false;
  Watched watched([](int) { return 7; });
  ProgressWatchdog watchdog(absl::ZeroDuration(), {[&] { return watched.Look(); }, [] { FAIL(); },
                                                   [&] { alive = true; }});
  ASSERT_TRUE(watched.AwaitLooks(3));
  watchdog.Stop();
  EXPECT_TRUE(alive);
  EXPECT_GE(watchdog.stalled(), absl::Seconds(1));
}

}  // namespace
}  // namespace tweedie
