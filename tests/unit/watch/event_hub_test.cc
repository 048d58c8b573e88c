#include "server/watch/event_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/watch/watch_testing.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EventHubTest : public ::testing::Test {
 protected:
  // A stream begun with `record`, its first message taken.
  std::shared_ptr<Subscription> WatchFrom(const JobRecord& record, WatchOptions options = {}) {
    auto subscription = hub_.Watch(record.id, std::move(options));
    EXPECT_OK(hub_.Begin(*subscription, record, 0, 0));
    EXPECT_NE(Text(subscription->Next([] {})), "wait");
    return subscription;
  }
  absl::Status BeginAfter(const JobRecord& record, int64_t after) {
    return hub_.Begin(*hub_.Watch(record.id, {}), record, 0, after);
  }
  // The sequence of the first message of a stream resumed after `after`.
  std::string First(const JobRecord& record, int64_t after) {
    auto subscription = hub_.Watch(record.id, {});
    const absl::Status begun = hub_.Begin(*subscription, record, 0, after);
    return begun.ok() ? Text(subscription->Next([] {})) : std::string(begun.message());
  }

  FakeClock clock_;
  EventHub hub_{&clock_};
};

TEST_F(EventHubTest, NoEventIsLostBetweenSubscribingAndReading) {
  auto subscription = hub_.Watch("job1", {});
  hub_.OnJobChanged(MakeRecord("job1", JobState::kQueued, 0, 1));
  const JobRecord read = MakeRecord("job1", JobState::kQueued, 0, 1);
  hub_.OnJobChanged(MakeRecord("job1", JobState::kRunning, 1, 0));
  hub_.OnStep(MakeStep("job1", Seq(1, 1), 1), NoFrame);
  ASSERT_OK(hub_.Begin(*subscription, read, 7, 0));
  hub_.OnJobChanged(MakeRecord("job1", JobState::kSucceeded, 1, 9));
  EXPECT_THAT(Drain(*subscription),
              ElementsAre("QUEUED:0.1", "RUNNING:1.0", "step 1:1.1", "SUCCEEDED:1.9!"));
}

TEST_F(EventHubTest, AQueuedJobTellsItsPosition) {
  auto subscription = hub_.Watch("job1", {});
  ASSERT_OK(hub_.Begin(*subscription, MakeRecord("job1", JobState::kQueued, 0, 1), 7, 0));
  ASSERT_OK_AND_ASSIGN(const auto event, subscription->Next([] {}));
  EXPECT_EQ(std::get<0>(event->what)->progress().queue_position(), 7);
  EXPECT_EQ(event->time, absl::FromUnixSeconds(1000));
}

TEST_F(EventHubTest, TheFirstMessageOfARunningJobHasItsNewestProgressAndSequence) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 1, 0);
  hub_.OnJobChanged(running);
  clock_.Advance(absl::Seconds(5));
  hub_.OnStep(MakeStep("job1", Seq(1, 4), 2), NoFrame);
  auto subscription = hub_.Watch("job1", {});
  ASSERT_OK(hub_.Begin(*subscription, running, 0, 0));
  ASSERT_OK_AND_ASSIGN(const auto event, subscription->Next([] {}));
  EXPECT_EQ(event->sequence, Seq(1, 4));
  EXPECT_EQ(event->time, clock_.Now());
  EXPECT_EQ(std::get<0>(event->what)->progress().step(), 2);
  EXPECT_EQ(hub_.Report(running).progress().step(), 2);
  EXPECT_EQ(hub_.Report(MakeRecord("job1", JobState::kQueued, 1, 9)).progress().step(), 0);
}

TEST_F(EventHubTest, ResumingAtThePresentSendsTheJobAgain) {
  const JobRecord ended = MakeRecord("job1", JobState::kSucceeded, 1, 50);
  EXPECT_EQ(First(ended, ended.sequence), "SUCCEEDED:1.50!");
  EXPECT_EQ(First(ended, Seq(1, 3)), "SUCCEEDED:1.50!");
}

TEST_F(EventHubTest, AnEndedJobHasNoLaterSequence) {
  const JobRecord ended = MakeRecord("job1", JobState::kSucceeded, 1, 50);
  EXPECT_THAT(BeginAfter(ended, Seq(1, 51)),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("after_sequence")));
}

TEST_F(EventHubTest, AJobThatRunsHereHasReachedWhatWasPublished) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 2, 0);
  hub_.OnJobChanged(running);
  EXPECT_EQ(First(running, Seq(2, 0)), "RUNNING:2.0");
  EXPECT_THAT(BeginAfter(running, Seq(2, 1)),
              StatusIs(absl::StatusCode::kOutOfRange, ::testing::_));
  hub_.OnStep(MakeStep("job1", Seq(2, 1), 1), NoFrame);
  // Its frames may have been received as well.
  EXPECT_EQ(First(running, Seq(2, 3)), "RUNNING:2.3");
  EXPECT_THAT(BeginAfter(running, Seq(2, 4)),
              StatusIs(absl::StatusCode::kOutOfRange, ::testing::_));
}

TEST_F(EventHubTest, AJobThatRunsElsewhereMayHaveReachedAnythingOfItsAttempt) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 2, 0);
  EXPECT_EQ(First(running, Seq(2, 500)), "RUNNING:2.500");
  EXPECT_THAT(BeginAfter(running, Seq(2, 0x80000000)),
              StatusIs(absl::StatusCode::kOutOfRange, ::testing::_));
}

TEST_F(EventHubTest, SequencesReceivedBeforeARestartAreAccepted) {
  const JobRecord rescued = MakeRecord("job1", JobState::kQueued, 1, 0x80000000);
  EXPECT_EQ(First(rescued, Seq(1, 500)), "QUEUED:1.2147483648");
}

TEST_F(EventHubTest, NewsOfAnEarlierAttemptDoesNotEndALaterOne) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 2, 0);
  hub_.OnJobChanged(running);
  hub_.OnStep(MakeStep("job1", Seq(2, 1), 8), NoFrame);
  hub_.OnJobChanged(MakeRecord("job1", JobState::kQueued, 1, 9));
  EXPECT_EQ(hub_.Report(running).progress().step(), 8);
}

TEST_F(EventHubTest, TheTerminalEventComesAfterALateStep) {
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kRunning, 1, 0));
  hub_.OnJobChanged(MakeRecord("job1", JobState::kFailed, 1, 9));
  hub_.OnStep(MakeStep("job1", Seq(1, 7), 3), NoFrame);
  EXPECT_THAT(Drain(*subscription), ElementsAre("step 3:1.7", "FAILED:1.9!"));
}

// --- What happens at other servers -------------------------------------------

v1::WatchJobResponse RelayedStep(int64_t sequence, int step) {
  v1::WatchJobResponse event;
  event.set_sequence(sequence);
  event.mutable_progress()->set_step(step);
  return event;
}

TEST_F(EventHubTest, SeenStatesAreToldOnce) {
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kQueued, 0, 1));
  hub_.OnJobSeen(MakeRecord("job1", JobState::kRunning, 1, 0));
  hub_.OnJobChanged(MakeRecord("job1", JobState::kRunning, 1, 0));
  hub_.OnJobSeen(MakeRecord("job1", JobState::kQueued, 0, 1));
  EXPECT_THAT(Drain(*subscription), ElementsAre("RUNNING:1.0"));
}

TEST_F(EventHubTest, AJobThatIsSeenToRunElsewhereMayHaveReachedAnythingOfItsAttempt) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 2, 0);
  auto watcher = hub_.Watch("job1", {});
  hub_.OnJobSeen(running);
  EXPECT_TRUE(hub_.OnRelayed("job1", {}, RelayedStep(Seq(2, 4), 2)));
  EXPECT_EQ(First(running, Seq(2, 500)), "RUNNING:2.500");
  EXPECT_THAT(BeginAfter(running, Seq(2, 0x80000000)),
              StatusIs(absl::StatusCode::kOutOfRange, ::testing::_));
}

TEST_F(EventHubTest, ACheckpointBeforeTheFirstLookIsTold) {
  JobRecord running = MakeRecord("job1", JobState::kRunning, 2, 0);
  auto early = WatchFrom(running);
  auto late = hub_.Watch("job1", {});
  const JobRecord read_before = running;
  running.progress.step = 5;
  hub_.OnJobSeen(running);
  hub_.OnCheckpointSeen(running);
  EXPECT_THAT(Drain(*early), ElementsAre("step 5:2.1"));
  ASSERT_OK(hub_.Begin(*late, read_before, 0, 0));
  const absl::StatusOr<std::optional<WatchEvent>> first = late->Next([] {});
  ASSERT_OK(first);
  EXPECT_EQ(std::get<std::shared_ptr<const v1::Job>>((*first)->what)->progress().step(), 5);
}

TEST_F(EventHubTest, WhatOneWatcherClaimsToHaveSeenHidesNothingFromOthers) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 2, 0);
  auto honest = WatchFrom(running);
  auto other = hub_.Watch("job1", {});
  hub_.OnJobSeen(running);
  ASSERT_OK(hub_.Begin(*other, running, 0, Seq(2, 0x7fffffff)));
  JobRecord checkpoint = running;
  checkpoint.progress.step = 5;
  hub_.OnCheckpointSeen(checkpoint);
  hub_.OnRelayed("job1", {}, RelayedStep(Seq(2, 40), 9));
  hub_.OnJobSeen(MakeRecord("job1", JobState::kSucceeded, 2, 50));
  EXPECT_THAT(Drain(*honest), ElementsAre("step 9:2.40+1", "SUCCEEDED:2.50!"));
  EXPECT_EQ(Drain(*other).back(), "SUCCEEDED:2.2147483649!");
}

TEST_F(EventHubTest, AStepOfAnAttemptThatIsOverChangesNothing) {
  hub_.OnJobChanged(MakeRecord("job1", JobState::kRunning, 1, 0));
  const JobRecord again = MakeRecord("job1", JobState::kRunning, 2, 0);
  auto subscription = WatchFrom(again);
  hub_.OnJobSeen(again);
  hub_.OnStep(MakeStep("job1", Seq(1, 90), 30), NoFrame);
  EXPECT_EQ(hub_.Report(again).progress().step(), 0);
  EXPECT_TRUE(hub_.OnRelayed("job1", {}, RelayedStep(Seq(2, 4), 2))) << "it runs elsewhere";
}

// Which another server took over: nobody here is told of it again.
TEST_F(EventHubTest, AJobThatIsLostIsForgottenWhereNobodyWatches) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 1, 0);
  hub_.OnJobChanged(running);
  hub_.OnStep(MakeStep("job1", Seq(1, 4), 2), NoFrame);
  hub_.OnJobLost("job1", 1);
  EXPECT_EQ(hub_.Report(running).progress().step(), 0);
  hub_.OnStep(MakeStep("job1", Seq(1, 7), 3), NoFrame);
  EXPECT_EQ(hub_.Report(running).progress().step(), 0) << "a step that was on its way";
}

TEST_F(EventHubTest, AJobThatIsLostIsForgottenWithItsLastWatcher) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 1, 0);
  hub_.OnJobChanged(running);
  auto subscription = WatchFrom(running);
  hub_.OnJobLost("job1", 1);
  hub_.OnStep(MakeStep("job1", Seq(1, 4), 2), NoFrame);
  EXPECT_THAT(Drain(*subscription), ElementsAre("step 2:1.4"));
  EXPECT_EQ(hub_.Report(running).progress().step(), 2);
  subscription.reset();
  EXPECT_EQ(hub_.Report(running).progress().step(), 0);
}

TEST_F(EventHubTest, TheLossOfAnEarlierAttemptIsNotThatOfALater) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 2, 0);
  hub_.OnJobChanged(running);
  hub_.OnJobLost("job1", 1);
  hub_.OnStep(MakeStep("job1", Seq(2, 4), 2), NoFrame);
  EXPECT_EQ(hub_.Report(running).progress().step(), 2);
}

// Given back, and a step was on its way.
TEST_F(EventHubTest, ALateStepBringsBackNoJob) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 1, 0);
  hub_.OnJobChanged(running);
  hub_.OnJobChanged(MakeRecord("job1", JobState::kQueued, 1, 9));
  hub_.OnStep(MakeStep("job1", Seq(1, 7), 3), NoFrame);
  EXPECT_EQ(hub_.Report(running).progress().step(), 0);
}

TEST_F(EventHubTest, ARefusedRelayEndsThoseWhoWantedIt) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 1, 0);
  auto plain = WatchFrom(running);
  auto framed = WatchFrom(running, {1, {FrameForm{}}});
  hub_.OnRelayRefused("job1", {1, {FrameForm{}}}, absl::InvalidArgumentError("too large"));
  EXPECT_EQ(Text(framed->Next([] {})), "too large");
  EXPECT_EQ(Text(plain->Next([] {})), "wait");
}

TEST_F(EventHubTest, RelayedEventsOfAnotherAttemptOrOfAJobThatRunsHereAreDropped) {
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kRunning, 2, 0));
  EXPECT_FALSE(hub_.OnRelayed("job1", {}, RelayedStep(Seq(1, 4), 2)));
  EXPECT_FALSE(hub_.OnRelayed("job1", {}, RelayedStep(Seq(3, 4), 2)));
  hub_.OnJobChanged(MakeRecord("job1", JobState::kRunning, 2, 0));
  EXPECT_FALSE(hub_.OnRelayed("job1", {}, RelayedStep(Seq(2, 4), 2)));
  EXPECT_FALSE(hub_.OnRelayed("job2", {}, RelayedStep(Seq(1, 4), 2)));
  EXPECT_THAT(Drain(*subscription), IsEmpty());
}

TEST_F(EventHubTest, RelayedEventsGoToThoseWhoWantTheSame) {
  const JobRecord running = MakeRecord("job1", JobState::kRunning, 1, 0);
  auto plain = WatchFrom(running);
  auto framed = WatchFrom(running, {1, {FrameForm{}}});
  hub_.OnJobSeen(running);
  EXPECT_TRUE(hub_.OnRelayed("job1", {}, RelayedStep(Seq(1, 4), 2)));
  EXPECT_THAT(Drain(*plain), ElementsAre("step 2:1.4"));
  EXPECT_THAT(Drain(*framed), IsEmpty());
  EXPECT_EQ(hub_.Report(running).progress().step(), 2);
}

TEST_F(EventHubTest, WhatOthersLeftOutIsCounted) {
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kRunning, 1, 0));
  hub_.OnJobSeen(MakeRecord("job1", JobState::kRunning, 1, 0));
  v1::WatchJobResponse event = RelayedStep(Seq(1, 4), 2);
  event.set_skipped_events(3);
  hub_.OnRelayed("job1", {}, event);
  event.set_sequence(Seq(1, 7));
  hub_.OnRelayed("job1", {}, event);
  EXPECT_THAT(Drain(*subscription), ElementsAre("step 2:1.7+7"));
}

TEST_F(EventHubTest, WatchedJobsAreThoseOfClientsNotOfRelays) {
  auto relay = hub_.Watch("job1", {0, {}, /*is_relay=*/true});
  EXPECT_THAT(hub_.WatchedJobs(), IsEmpty());
  auto one = hub_.Watch("job1", {});
  auto two = hub_.Watch("job1", {});
  auto framed = hub_.Watch("job1", {1, {FrameForm{}}});
  const std::vector<EventHub::Watched> watched = hub_.WatchedJobs();
  ASSERT_EQ(watched.size(), 1u);
  EXPECT_EQ(watched[0].job_id, "job1");
  EXPECT_EQ(watched[0].options.size(), 2u);
}

TEST_F(EventHubTest, DeletionEndsStreamsWithNotFound) {
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kRunning, 1, 0));
  hub_.OnJobDeleted("job1");
  EXPECT_THAT(subscription->Next([] {}),
              StatusIs(absl::StatusCode::kNotFound, "jobs/job1 was deleted"));
}

TEST_F(EventHubTest, DeletionDoesNotTakeTheTerminalEvent) {
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kRunning, 1, 0));
  hub_.OnJobChanged(MakeRecord("job1", JobState::kCancelled, 1, 9));
  hub_.OnJobDeleted("job1");
  EXPECT_THAT(Drain(*subscription), ElementsAre("CANCELLED:1.9!"));
}

TEST_F(EventHubTest, ANewJobWithADeletedOnesIdIsNotMixedUpWithIt) {
  auto old = WatchFrom(MakeRecord("job1", JobState::kSucceeded, 1, 9));
  hub_.OnJobDeleted("job1");
  hub_.OnJobChanged(MakeRecord("job1", JobState::kRunning, 3, 0));
  EXPECT_THAT(Drain(*old), ElementsAre("jobs/job1 was deleted"));
}

TEST_F(EventHubTest, FramesComeAtTheIntervalAndAtTheLastStep) {
  WatchOptions options;
  options.frame_interval = 3;
  options.frames = {FrameForm{}};
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kRunning, 1, 0), options);
  const auto frame = [](const FrameForm&) { return std::make_shared<const std::string>("f"); };
  std::vector<std::string> events;
  for (int step = 1; step <= 7; ++step) {
    EXPECT_EQ(hub_.WantsFrame("job1", step, step == 7), step == 3 || step == 6 || step == 7);
    hub_.OnStep(MakeStep("job1", Seq(1, step * 3), step, step == 7), frame);
    for (auto& text : Drain(*subscription)) events.push_back(std::move(text));
  }
  EXPECT_THAT(events,
              ElementsAre("step 1:1.3", "step 2:1.6", "step 3:1.9", "frame:1.10", "step 4:1.12",
                          "step 5:1.15", "step 6:1.18", "frame:1.19", "step 7:1.21", "frame:1.22"));
}

TEST_F(EventHubTest, NoFrameIsWantedWhereNobodyWatches) {
  const WatchOptions options{1, {FrameForm{}}};
  EXPECT_FALSE(hub_.WantsFrame("job1", 1, true));
  auto subscription = hub_.Watch("job1", options);
  EXPECT_TRUE(hub_.WantsFrame("job1", 1, true));
  EXPECT_FALSE(hub_.WantsFrame("job2", 1, true));
  subscription.reset();
  EXPECT_FALSE(hub_.WantsFrame("job1", 1, true));
  EXPECT_EQ(hub_.Metrics().at("tweedie_watchers"), 0);
}

TEST_F(EventHubTest, AReaderThatStandsStillGetsTheNewestOnly) {
  auto subscription = WatchFrom(MakeRecord("job1", JobState::kRunning, 1, 0));
  for (int step = 1; step <= 1000; ++step) {
    hub_.OnStep(MakeStep("job1", Seq(1, step * 3), step), NoFrame);
  }
  EXPECT_THAT(Drain(*subscription), ElementsAre("step 1000:1.3000+999"));
  EXPECT_EQ(hub_.Metrics().at("tweedie_watch_merged_total"), 999);
}

// Readers come and go on threads of their own while a job is stepped: each sees
// ascending sequences and, if it stays, the end.
TEST_F(EventHubTest, ManyReadersSeeOrderedEventsAndTheEnd) {
  constexpr int kSteps = 3000;
  hub_.OnJobChanged(MakeRecord("job1", JobState::kRunning, 1, 0));
  std::atomic<bool> ended = false;
  std::atomic<int> out_of_order = 0;
  std::atomic<int> ends = 0;
  const auto read = [&] {
    for (bool last = false; !last;) {
      auto subscription = hub_.Watch("job1", {1, {FrameForm{}}});
      const bool over = ended;
      const JobRecord record = over ? MakeRecord("job1", JobState::kSucceeded, 1, 1 << 20)
                                    : MakeRecord("job1", JobState::kRunning, 1, 0);
      if (!hub_.Begin(*subscription, record, 0, 0).ok()) ++out_of_order;
      int64_t previous = -1;
      for (int i = 0; i < 50 && !last;) {
        const auto next = subscription->Next([] {});
        if (!next.ok()) break;
        if (!next->has_value()) {
          std::this_thread::yield();
          continue;
        }
        ++i;
        if ((*next)->sequence <= previous) ++out_of_order;
        previous = (*next)->sequence;
        last = (*next)->last;
      }
    }
    ++ends;
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) readers.emplace_back(read);
  const auto frame = [](const FrameForm&) { return std::make_shared<const std::string>("f"); };
  for (int step = 1; step <= kSteps; ++step) {
    hub_.OnStep(MakeStep("job1", Seq(1, step * 3), step, step == kSteps), frame);
  }
  ended = true;
  hub_.OnJobChanged(MakeRecord("job1", JobState::kSucceeded, 1, 1 << 20));
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(out_of_order, 0);
  EXPECT_EQ(ends, 4);
}

}  // namespace
}  // namespace tweedie
