#include "core/jobs/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "core/jobs/queue_order.h"

namespace tweedie {
namespace {

constexpr JobState kStates[] = {JobState::kQueued, JobState::kRunning, JobState::kSucceeded,
                                JobState::kFailed, JobState::kCancelled};
constexpr JobEvent kEvents[] = {JobEvent::kClaim,   JobEvent::kRelease, JobEvent::kRescue,
                                JobEvent::kSucceed, JobEvent::kFail,    JobEvent::kCancel,
                                JobEvent::kLose};

TEST(NextStateTest, EveryStateAndEvent) {
  constexpr std::optional<JobState> kNone;
  constexpr auto kQueued = std::make_optional(JobState::kQueued);
  constexpr auto kRunning = std::make_optional(JobState::kRunning);
  constexpr auto kSucceeded = std::make_optional(JobState::kSucceeded);
  constexpr auto kFailed = std::make_optional(JobState::kFailed);
  constexpr auto kCancelled = std::make_optional(JobState::kCancelled);
  const std::optional<JobState> expected[5][7] = {
      // claim, release, rescue, succeed, fail, cancel, lose
      {kRunning, kNone, kNone, kNone, kNone, kCancelled, kFailed},          // queued
      {kNone, kQueued, kQueued, kSucceeded, kFailed, kCancelled, kFailed},  // running
      {kNone, kNone, kNone, kNone, kNone, kNone, kNone},                    // succeeded
      {kNone, kNone, kNone, kNone, kNone, kNone, kNone},                    // failed
      {kNone, kNone, kNone, kNone, kNone, kNone, kNone},                    // cancelled
  };
  for (size_t s = 0; s < 5; ++s) {
    for (size_t e = 0; e < 7; ++e) {
      EXPECT_EQ(NextState(kStates[s], kEvents[e]), expected[s][e]) << s << ", " << e;
    }
  }
}

TEST(JobStateTest, EndedAreThoseThatNothingLeaves) {
  for (const JobState state : kStates) {
    bool left = false;
    for (const JobEvent event : kEvents) left = left || NextState(state, event).has_value();
    EXPECT_EQ(HasEnded(state), !left) << static_cast<int>(state);
  }
}

TEST(QueueOrderTest, BonusesGrowWithPriority) {
  EXPECT_EQ(QueueBonus(JobPriority::kBatch), absl::ZeroDuration());
  EXPECT_EQ(QueueBonus(JobPriority::kNormal), absl::Minutes(10));
  EXPECT_EQ(QueueBonus(JobPriority::kInteractive), absl::Hours(1));
}

}  // namespace
}  // namespace tweedie
