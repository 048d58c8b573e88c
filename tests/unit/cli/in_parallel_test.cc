#include "client/cli/in_parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "tests/testing/status_matchers.h"

namespace tweedie::cli {
namespace {

TEST(InParallelTest, EachIsDoneOnce) {
  std::vector<std::atomic<int>> done(1000);
  EXPECT_OK(InParallel(done.size(), 8, [&](size_t index) {
    ++done[index];
    return absl::OkStatus();
  }));
  for (const auto& times : done) EXPECT_EQ(times, 1);
  EXPECT_OK(InParallel(0, 8, [](size_t) { return absl::InternalError("there is none"); }));
}

TEST(InParallelTest, AsManyAtATimeAsThereAreThreads) {
  constexpr int kThreads = 4;
  auto* barrier = new absl::Barrier(kThreads);  // the last to pass deletes it
  EXPECT_OK(InParallel(kThreads, kThreads, [&](size_t) {
    if (barrier->Block()) delete barrier;
    return absl::OkStatus();
  }));
}

TEST(InParallelTest, NoneIsBegunAfterAnError) {
  int begun = 0, told = 0;
  const absl::Status status = InParallel(
      10, 1,
      [&](size_t index) {
        ++begun;
        return index == 2 ? absl::InternalError("the third") : absl::OkStatus();
      },
      [&] { ++told; });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, "the third"));
  EXPECT_EQ(begun, 3);
  EXPECT_EQ(told, 1);
}

// What the others wait for is ended by who is told.
TEST(InParallelTest, TheFirstErrorIsToldAtOnce) {
  absl::Mutex mu;
  bool over = false;
  const absl::Status status = InParallel(
      2, 2,
      [&](size_t index) -> absl::Status {
        if (index == 0) return absl::InternalError("first");
        absl::MutexLock lock(&mu);
        mu.Await(absl::Condition(&over));
        return absl::CancelledError("told");
      },
      [&] {
        absl::MutexLock lock(&mu);
        over = true;
      });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, "first"));
}

}  // namespace
}  // namespace tweedie::cli
