#include "server/runner/progress_watchdog.h"

#include <gtest/gtest.h>

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
  ProgressWatchdog watchdog(
      kLimit, [&] { return watched.Look(); }, [&] { watched.Hang(); });
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

TEST(ProgressWatchdogTest, WithoutALimitNobodyLooks) {
  bool looked = false;
  ProgressWatchdog watchdog(
      absl::ZeroDuration(),
      [&] {
        looked = true;
        return 1;
      },
      [] { FAIL(); });
  watchdog.Stop();
  EXPECT_FALSE(looked);
}

}  // namespace
}  // namespace tweedie
