#include "server/runner/load_retries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

TEST(LoadRetriesTest, AJobWaitsAfterAFailureAndMayThenBeTried) {
  LoadRetries retries({3, absl::ZeroDuration(), absl::Seconds(10)});
  EXPECT_THAT(retries.Waiting(kNow), IsEmpty());
  EXPECT_TRUE(retries.Failed("a", kNow));
  EXPECT_THAT(retries.Waiting(kNow + absl::Seconds(9)), ElementsAre("a"));
  EXPECT_THAT(retries.Waiting(kNow + absl::Seconds(10)), IsEmpty());
}

TEST(LoadRetriesTest, ItWaitsLongerAfterEachFailureUpToABound) {
  LoadRetries retries({99, absl::ZeroDuration(), absl::Seconds(10), absl::Seconds(25)});
  for (const int wait : {10, 20, 25, 25}) {
    EXPECT_TRUE(retries.Failed("a", kNow));
    EXPECT_THAT(retries.Waiting(kNow + absl::Seconds(wait - 1)), ElementsAre("a"));
    EXPECT_THAT(retries.Waiting(kNow + absl::Seconds(wait)), IsEmpty());
  }
}

// However often it was tried while the storage was away.
TEST(LoadRetriesTest, AJobIsNotGivenUpBeforeItsTime) {
  LoadRetries retries({2, absl::Hours(1), absl::Seconds(10)});
  for (int minute = 0; minute < 60; minute += 2) {
    EXPECT_TRUE(retries.Failed("a", kNow + absl::Minutes(minute)));
  }
  EXPECT_FALSE(retries.Failed("a", kNow + absl::Minutes(60)));
}

TEST(LoadRetriesTest, AJobIsGivenUpAfterSomeFailuresInARow) {
  LoadRetries retries({3, absl::ZeroDuration(), absl::Seconds(10)});
  EXPECT_TRUE(retries.Failed("a", kNow));
  EXPECT_TRUE(retries.Failed("a", kNow + absl::Minutes(1)));
  EXPECT_TRUE(retries.Failed("b", kNow + absl::Minutes(1)));
  EXPECT_FALSE(retries.Failed("a", kNow + absl::Minutes(2)));
  EXPECT_THAT(retries.Waiting(kNow + absl::Minutes(1)), ElementsAre("b"));
}

TEST(LoadRetriesTest, WaitingIsNoFailure) {
  LoadRetries retries({2, absl::ZeroDuration(), absl::Seconds(10)});
  for (int i = 0; i < 5; ++i) retries.Wait("a", kNow);
  EXPECT_THAT(retries.Waiting(kNow), ElementsAre("a"));
  EXPECT_TRUE(retries.Failed("a", kNow));
}

TEST(LoadRetriesTest, WhatIsForgottenBeginsAnew) {
  LoadRetries retries({2, absl::ZeroDuration(), absl::Seconds(10)});
  EXPECT_TRUE(retries.Failed("a", kNow));
  retries.Forget("a");
  EXPECT_THAT(retries.Waiting(kNow), IsEmpty());
  EXPECT_TRUE(retries.Failed("a", kNow));
  EXPECT_THAT(retries.Waiting(kNow + absl::Hours(25)), IsEmpty());
  EXPECT_TRUE(retries.Failed("a", kNow + absl::Hours(25)));
}

}  // namespace
}  // namespace tweedie
