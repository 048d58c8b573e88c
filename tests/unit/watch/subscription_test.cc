#include "server/watch/subscription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/watch/watch_testing.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Slot = Subscription::Slot;

WatchEvent State(int64_t sequence, v1::Job::State state = v1::Job::RUNNING, bool last = false) {
  auto job = std::make_shared<v1::Job>();
  job->set_state(state);
  return {sequence, absl::UnixEpoch(), std::shared_ptr<const v1::Job>(job), 0, last};
}
WatchEvent Step(int64_t sequence, int step) {
  auto progress = std::make_shared<v1::Progress>();
  progress->set_step(step);
  return {sequence, absl::UnixEpoch(), std::shared_ptr<const v1::Progress>(progress), 0, false};
}
WatchEvent Frame(int64_t sequence) {
  return {sequence, absl::UnixEpoch(), std::make_shared<const std::string>("f"), 0, false};
}

TEST(SubscriptionTest, NothingComesOutBeforeBegin) {
  Subscription s;
  s.AddState(State(5));
  EXPECT_EQ(Text(s.Next([] {})), "wait");
  s.Begin(State(4));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.4", "RUNNING:0.5"));
}

TEST(SubscriptionTest, WhatTheInitialJobCoversIsDropped) {
  Subscription s;
  s.AddState(State(3));
  s.Put(Slot::kProgress, Step(4, 1));
  s.Put(Slot::kX0Hat, Frame(6));
  s.Begin(State(5));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.5", "frame:0.6"));
}

TEST(SubscriptionTest, WhatTheInitialJobCoversIsDroppedAlsoIfItComesLate) {
  Subscription s;
  s.Begin(State(5));
  s.AddState(State(3));
  s.Put(Slot::kProgress, Step(5, 1));
  s.Put(Slot::kX0Hat, Frame(4));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.5"));
}

TEST(SubscriptionTest, WhatTheInitialJobCoversDoesNotCountAsMerged) {
  Subscription s;
  for (const int64_t sequence : {5, 8, 11}) s.Put(Slot::kX0Hat, Frame(sequence));
  for (const int64_t sequence : {4, 7}) s.Put(Slot::kProgress, Step(sequence, 1));
  s.Begin(State(7));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.7", "frame:0.11+1"));
  s.Put(Slot::kX0Hat, Frame(14));
  s.Put(Slot::kX0Hat, Frame(17));
  EXPECT_THAT(Drain(s), ElementsAre("frame:0.17+1"));
}

TEST(SubscriptionTest, OnlyTheNewestProgressAndFrameOfAKindWait) {
  Subscription s;
  s.Begin(State(1));
  EXPECT_EQ(Text(s.Next([] {})), "RUNNING:0.1");
  EXPECT_FALSE(s.Put(Slot::kProgress, Step(2, 1)));
  EXPECT_FALSE(s.Put(Slot::kX0Hat, Frame(3)));
  EXPECT_FALSE(s.Put(Slot::kXT, Frame(4)));
  EXPECT_TRUE(s.Put(Slot::kProgress, Step(5, 2)));
  EXPECT_TRUE(s.Put(Slot::kX0Hat, Frame(6)));
  EXPECT_TRUE(s.Put(Slot::kProgress, Step(8, 3)));
  EXPECT_THAT(Drain(s), ElementsAre("frame:0.4", "frame:0.6+1", "step 3:0.8+2"));
}

WatchEvent StepAt(int64_t sequence, int step, absl::Duration time, bool has_metrics = false) {
  auto progress = std::make_shared<v1::Progress>();
  progress->set_step(step);
  progress->set_num_steps(100);
  if (has_metrics) progress->add_metrics()->set_psnr(20);
  return {sequence, absl::UnixEpoch() + time, std::shared_ptr<const v1::Progress>(progress), 0,
          false};
}

TEST(SubscriptionTest, ProgressKeepsTheIntervalAskedFor) {
  Subscription s(absl::Seconds(1));
  s.Begin(State(1));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.1"));
  std::vector<std::string> told;
  for (int i = 1; i <= 8; ++i) {
    s.Put(Slot::kProgress, StepAt(10 * i, i, absl::Milliseconds(400) * i));
    for (std::string& event : Drain(s)) told.push_back(std::move(event));
  }
  EXPECT_THAT(told, ElementsAre("step 1:0.10", "step 4:0.40+2", "step 7:0.70+2"));
}

TEST(SubscriptionTest, WhatNothingLaterTellsIsToldWithinTheInterval) {
  Subscription s(absl::Hours(1));
  s.Begin(State(1));
  s.Put(Slot::kProgress, StepAt(10, 1, absl::ZeroDuration()));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.1", "step 1:0.10"));
  s.Put(Slot::kProgress, StepAt(20, 2, absl::Seconds(1)));
  EXPECT_THAT(Drain(s), IsEmpty());
  s.Put(Slot::kProgress, StepAt(30, 3, absl::Seconds(2), /*has_metrics=*/true));
  EXPECT_THAT(Drain(s), ElementsAre("step 3:0.30+1"));
  s.Put(Slot::kProgress, StepAt(40, 4, absl::Seconds(3)));
  s.Put(Slot::kX0Hat, Frame(41));
  EXPECT_THAT(Drain(s), ElementsAre("frame:0.41"));
  s.Put(Slot::kProgress, StepAt(50, 100, absl::Seconds(4)));
  EXPECT_THAT(Drain(s), ElementsAre("step 100:0.50+1"));
}

TEST(SubscriptionTest, AClockThatWasAheadSilencesNobody) {
  Subscription s(absl::Seconds(1));
  s.Begin(State(1));
  s.Put(Slot::kProgress, StepAt(10, 1, absl::Hours(1)));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.1", "step 1:0.10"));
  s.Put(Slot::kProgress, StepAt(20, 2, absl::ZeroDuration()));
  EXPECT_THAT(Drain(s), ElementsAre("step 2:0.20"));
}

TEST(SubscriptionTest, WhatWaitsIsMergedWhateverTheInterval) {
  Subscription s(absl::Hours(1));
  s.Put(Slot::kProgress, StepAt(10, 1, absl::ZeroDuration()));
  s.Begin(State(1));
  for (int i = 2; i <= 4; ++i) {
    s.Put(Slot::kProgress, StepAt(10 * i, i, absl::Seconds(i)));
  }
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.1", "step 4:0.40+3"));
  s.Put(Slot::kProgress, StepAt(50, 5, absl::Seconds(5)));
  EXPECT_THAT(Drain(s), IsEmpty()) << "the interval is from what was told last";
}

TEST(SubscriptionTest, ChangesOfStateAreNeverMerged) {
  Subscription s;
  s.Begin(State(1));
  for (int64_t i = 2; i <= 9; ++i) {
    s.AddState(State(i * 10));
    s.Put(Slot::kProgress, Step(i * 10 + 1, static_cast<int>(i)));
  }
  s.AddState(State(200, v1::Job::SUCCEEDED, true));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.1", "RUNNING:0.20", "RUNNING:0.30", "RUNNING:0.40",
                                    "RUNNING:0.50", "RUNNING:0.60", "RUNNING:0.70", "RUNNING:0.80",
                                    "RUNNING:0.90", "step 9:0.91+7", "SUCCEEDED:0.200!"));
}

TEST(SubscriptionTest, SequencesAscendAndComeOnce) {
  Subscription s;
  s.Begin(State(10));
  s.AddState(State(30));
  s.AddState(State(20));
  s.AddState(State(20));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.10", "RUNNING:0.20", "RUNNING:0.30"));
  s.AddState(State(25));
  s.Put(Slot::kProgress, Step(30, 1));
  s.Put(Slot::kX0Hat, Frame(29));
  EXPECT_THAT(Drain(s), IsEmpty());
}

TEST(SubscriptionTest, TheEndIsToldToThoseWhoClaimToHaveSeenMore) {
  Subscription s;
  s.Begin(State(100));
  s.Put(Slot::kXT, Frame(103));
  s.AddState(State(50, v1::Job::SUCCEEDED, true));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.100", "frame:0.103", "SUCCEEDED:0.104!"));
}

TEST(SubscriptionTest, TheEndThatCameBeforeBeginIsTold) {
  Subscription s;
  s.AddState(State(50, v1::Job::SUCCEEDED, true));
  s.Begin(State(100));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.100", "SUCCEEDED:0.101!"));
}

TEST(SubscriptionTest, TheEndIsToldOnce) {
  Subscription s;
  s.Begin(State(1));
  s.AddState(State(50, v1::Job::SUCCEEDED, true));
  s.AddState(State(50, v1::Job::SUCCEEDED, true));
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.1", "SUCCEEDED:0.50!"));
  s.AddState(State(60, v1::Job::SUCCEEDED, true));
  Subscription ended;
  ended.AddState(State(50, v1::Job::SUCCEEDED, true));
  ended.Begin(State(50, v1::Job::SUCCEEDED, true));
  ended.AddState(State(50, v1::Job::SUCCEEDED, true));
  EXPECT_THAT(Drain(s), IsEmpty());
  EXPECT_THAT(Drain(ended), ElementsAre("SUCCEEDED:0.50!"));
}

TEST(SubscriptionTest, WhatMayRiseIsToldUnderALaterSequence) {
  Subscription s;
  s.Begin(State(100));
  WatchEvent checkpoint = Step(7, 3);
  checkpoint.may_rise = true;
  s.Put(Slot::kProgress, checkpoint);
  EXPECT_THAT(Drain(s), ElementsAre("RUNNING:0.100", "step 3:0.101"));
}

TEST(SubscriptionTest, TheReaderIsWokenOnceForEachWait) {
  Subscription s;
  s.Begin(State(1));
  ASSERT_EQ(Text(s.Next([] {})), "RUNNING:0.1");
  int woken = 0;
  ASSERT_EQ(Text(s.Next([&] { ++woken; })), "wait");
  s.Put(Slot::kProgress, Step(2, 1));
  s.Put(Slot::kProgress, Step(3, 2));
  EXPECT_EQ(woken, 1);
}

TEST(SubscriptionTest, TheWakerMayReadAtOnce) {
  Subscription s;
  s.Begin(State(1));
  ASSERT_EQ(Text(s.Next([] {})), "RUNNING:0.1");
  std::string read;
  ASSERT_EQ(Text(s.Next([&] { read = Text(s.Next([] {})); })), "wait");
  s.AddState(State(2));  // deadlocks if the waker runs under the lock
  EXPECT_EQ(read, "RUNNING:0.2");
}

TEST(SubscriptionTest, CloseEndsAfterWhatWaits) {
  Subscription s;
  s.Begin(State(1));
  s.Close(absl::NotFoundError("gone"));
  s.Close(absl::NotFoundError("gone twice"));
  EXPECT_EQ(Text(s.Next([] {})), "RUNNING:0.1");
  EXPECT_EQ(Text(s.Next([] {})), "gone");
}

TEST(SubscriptionTest, CloseBeforeBeginWakes) {
  Subscription s;
  int woken = 0;
  ASSERT_EQ(Text(s.Next([&] { ++woken; })), "wait");
  s.Close(absl::NotFoundError("no such job"));
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(Text(s.Next([] {})), "no such job");
}

}  // namespace
}  // namespace tweedie
