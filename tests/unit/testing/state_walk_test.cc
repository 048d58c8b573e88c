#include "tests/testing/state_walk.h"

#include <gtest/gtest.h>

namespace tweedie {
namespace {

constexpr StatePlace kQueued0 = {JobState::kQueued, 0};
constexpr StatePlace kRunning1 = {JobState::kRunning, 1};
constexpr StatePlace kQueued1 = {JobState::kQueued, 1};
constexpr StatePlace kRunning2 = {JobState::kRunning, 2};
constexpr StatePlace kSucceeded1 = {JobState::kSucceeded, 1};
constexpr StatePlace kSucceeded2 = {JobState::kSucceeded, 2};

TEST(StateWalkTest, AStepIsOneEventAndAClaimRaisesTheAttempt) {
  EXPECT_TRUE(IsStep(kQueued0, kRunning1));
  EXPECT_FALSE(IsStep(kQueued0, {JobState::kRunning, 0}));
  EXPECT_FALSE(IsStep(kQueued0, kRunning2));
  EXPECT_TRUE(IsStep(kRunning1, kQueued1));
  EXPECT_FALSE(IsStep(kRunning1, kQueued0));
  EXPECT_TRUE(IsStep(kRunning1, kSucceeded1));
  EXPECT_FALSE(IsStep(kSucceeded1, kQueued1));
  EXPECT_FALSE(IsStep(kQueued1, kSucceeded1));
  EXPECT_TRUE(IsStep(kQueued1, {JobState::kCancelled, 1}));
}

TEST(StateWalkTest, OnlyAClaimThatCameToNothingMayBeLeftOut) {
  EXPECT_TRUE(MayFollow(kQueued0, {JobState::kFailed, 1}));
  EXPECT_TRUE(MayFollow(kQueued0, kQueued1));
  EXPECT_FALSE(MayFollow(kQueued0, kSucceeded1));
  EXPECT_FALSE(MayFollow(kRunning1, kRunning2));
  EXPECT_FALSE(MayFollow(kRunning1, kRunning1));
}

TEST(StateWalkTest, WithGapsAnythingMayComeThatALaterAttemptAllows) {
  EXPECT_TRUE(IsReachable(kRunning1, kRunning1));
  EXPECT_TRUE(IsReachable(kRunning1, kSucceeded2));
  EXPECT_TRUE(IsReachable(kQueued0, {JobState::kCancelled, 7}));
  EXPECT_FALSE(IsReachable(kRunning2, kSucceeded1));
  EXPECT_FALSE(IsReachable(kSucceeded1, kRunning2));
  EXPECT_FALSE(IsReachable(kSucceeded1, {JobState::kFailed, 1}));
  EXPECT_FALSE(IsReachable(kQueued1, kRunning1));
}

}  // namespace
}  // namespace tweedie
