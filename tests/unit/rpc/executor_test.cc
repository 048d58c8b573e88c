#include "server/rpc/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"
#include "server/rpc/background.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

TEST(ExecutorTest, AFullQueueRefuses) {
  absl::Notification started, go;
  std::atomic<int> ran = 0;
  {
    Executor executor(1, 2);
    ASSERT_TRUE(executor.TryRun([&] {
      started.Notify();
      go.WaitForNotification();
    }));
    started.WaitForNotification();
    EXPECT_TRUE(executor.TryRun([&] { ++ran; }));
    EXPECT_TRUE(executor.TryRun([&] { ++ran; }));
    EXPECT_FALSE(executor.TryRun([&] { ++ran; }));
    go.Notify();
  }
  EXPECT_EQ(ran, 2);  // what was accepted is worked off
}

TEST(BackgroundTest, ValuesAreMadeElsewhereOneByOne) {
  Executor executor(2, 8);
  int made = 0;
  Background<int> numbers(&executor, [&]() -> absl::StatusOr<int> {
    if (++made == 3) return absl::DataLossError("no third");
    return made;
  });
  const auto take = [&] {
    while (true) {
      absl::Notification ready;
      auto value = numbers.Take([&] { ready.Notify(); });
      if (!value.ok() || value->has_value()) return value;
      ready.WaitForNotification();
    }
  };
  EXPECT_EQ(**take(), 1);
  EXPECT_EQ(**take(), 2);
  EXPECT_THAT(take(), StatusIs(absl::StatusCode::kDataLoss, "no third"));
}

TEST(BackgroundTest, AFullExecutorIsUnavailable) {
  Executor executor(1, 0);
  Background<int> numbers(&executor, [] { return 1; });
  EXPECT_THAT(numbers.Take([] {}), StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
}

}  // namespace
}  // namespace tweedie
