#include "server/watch/jobs_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/watch/event_hub.h"
#include "server/watch/job_matches.h"
#include "tests/testing/fake_clock.h"
#include "tests/unit/watch/watch_testing.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JobsFeedTest : public ::testing::Test {
 protected:
  std::shared_ptr<JobsFeed> Listed(FeedOptions options, const std::vector<JobRecord>& jobs = {}) {
    auto feed = hub_.WatchAll(std::move(options));
    for (const JobRecord& job : jobs) EXPECT_NE(List(*feed, job), "");
    feed->EndListing();
    return feed;
  }
  // What is sent of a job that the listing found `step` steps far; "": nothing.
  static std::string List(JobsFeed& feed, const JobRecord& job, int step = 0) {
    std::shared_ptr<v1::Progress> progress;
    if (step > 0) {
      progress = std::make_shared<v1::Progress>();
      progress->set_step(step);
    }
    const auto event = feed.List(std::make_shared<const JobRecord>(job), progress);
    return event.has_value() ? TextOf(*event) : "";
  }
  static std::string TextOf(const FeedEvent& event) {
    if (event.deleted) return event.job_id + " deleted";
    std::string text =
        absl::StrCat(event.job_id, " ", v1::Job::State_Name(v1::Job::State(event.job->state)));
    if (event.progress) absl::StrAppend(&text, " step ", event.progress->step());
    return text;
  }
  static std::vector<std::string> Drain(JobsFeed& feed) {
    std::vector<std::string> texts;
    while (std::optional<FeedEvent> event = feed.Next([] {})) texts.push_back(TextOf(*event));
    return texts;
  }
  void Step(const std::string& id, int step) {
    hub_.OnStep(MakeStep(id, Seq(1, step * 3), step), NoFrame);
  }

  FakeClock clock_;
  EventHub hub_{&clock_};
  const JobRecord queued_ = MakeRecord("a", JobState::kQueued, 0, 1);
  const JobRecord running_ = MakeRecord("a", JobState::kRunning, 1, 0);
  const JobRecord succeeded_ = MakeRecord("a", JobState::kSucceeded, 1, 1 << 20);
};

TEST_F(JobsFeedTest, ChangesWaitForTheEndOfTheListing) {
  auto feed = hub_.WatchAll({});
  EXPECT_EQ(List(*feed, queued_), "a QUEUED");
  hub_.OnJobChanged(running_);
  EXPECT_THAT(Drain(*feed), IsEmpty());
  feed->EndListing();
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING"));
}

TEST_F(JobsFeedTest, WhatHasChangedBeforeItIsListedIsListedAsItIs) {
  auto feed = hub_.WatchAll({});
  hub_.OnJobChanged(running_);  // after the page was read
  EXPECT_EQ(List(*feed, queued_), "a RUNNING");
  feed->EndListing();
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

// Its steps are forgotten with the attempt; the record read before knows of none.
TEST_F(JobsFeedTest, AnAttemptThatIsOverIsNotListedAsRunning) {
  hub_.OnJobChanged(running_);
  Step("a", 1);
  auto feed = hub_.WatchAll({});
  hub_.OnJobChanged(MakeRecord("a", JobState::kQueued, 1, 1 << 20));
  EXPECT_EQ(hub_.Report(running_).progress().step(), 0);
  EXPECT_EQ(List(*feed, running_), "a QUEUED");
}

TEST_F(JobsFeedTest, FeedsAreToldBeforeStepsAreForgotten) {
  hub_.OnJobChanged(running_);
  Step("a", 1);
  auto feed = Listed({});
  int step_when_told = -1;
  feed->Next([&] { step_when_told = hub_.Report(running_).progress().step(); });
  hub_.OnJobChanged(MakeRecord("a", JobState::kQueued, 1, 1 << 20));
  EXPECT_EQ(step_when_told, 1);
}

TEST_F(JobsFeedTest, KnownIsAllThatTheReaderHasOrWillHave) {
  auto feed = hub_.WatchAll({});
  feed->Expect({"a", "b"});
  EXPECT_THAT(feed->KnownIds(), ElementsAre("a", "b"));
  EXPECT_EQ(List(*feed, queued_), "a QUEUED");
  feed->EndListing();
  hub_.OnJobChanged(MakeRecord("c", JobState::kQueued, 0, 1));
  EXPECT_THAT(feed->KnownIds(), ::testing::UnorderedElementsAre("a", "c"));
}

TEST_F(JobsFeedTest, WhatTheListingToldIsNotToldAgain) {
  auto feed = hub_.WatchAll({});
  hub_.OnJobChanged(queued_);
  hub_.OnJobChanged(running_);
  EXPECT_EQ(List(*feed, running_), "a RUNNING");
  feed->EndListing();
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

// The listing tells the newest progress of all, which a feed may be told of later.
TEST_F(JobsFeedTest, StepsDoNotGoBackAfterTheListing) {
  FeedOptions options;
  options.include_progress = true;
  auto feed = hub_.WatchAll(options);
  hub_.OnJobChanged(running_);
  Step("a", 57);
  EXPECT_EQ(List(*feed, running_, 59), "a RUNNING step 59");
  feed->EndListing();
  Step("a", 58);
  EXPECT_THAT(Drain(*feed), IsEmpty());  // within a second of the last
  clock_.Advance(absl::Seconds(1));
  Step("a", 60);
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING step 60"));

  // Nor by what else happens to the running job.
  auto other = hub_.WatchAll({});
  EXPECT_EQ(List(*other, running_, 61), "a RUNNING step 61");
  other->EndListing();
  hub_.OnJobChanged(MakeRecord("a", JobState::kRunning, 1, 1));
  EXPECT_THAT(Drain(*other), ElementsAre("a RUNNING step 61"));
  // A later attempt begins where its checkpoint is.
  hub_.OnJobChanged(MakeRecord("a", JobState::kRunning, 2, 0));
  EXPECT_THAT(Drain(*other), ElementsAre("a RUNNING"));
}

TEST_F(JobsFeedTest, ProgressGoesOnThoughTheClockIsSetBack) {
  FeedOptions options;
  options.include_progress = true;
  const auto feed = Listed(std::move(options), {running_});
  hub_.OnJobChanged(running_);
  Drain(*feed);
  clock_.Advance(absl::Seconds(1));
  Step("a", 1);
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING step 1"));
  Step("a", 2);
  EXPECT_THAT(Drain(*feed), IsEmpty()) << "too soon";
  clock_.Advance(-absl::Hours(1));
  Step("a", 3);
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING step 3"));
}

TEST_F(JobsFeedTest, ChangesOfOneJobAreMerged) {
  auto feed = Listed({}, {queued_});
  hub_.OnJobChanged(running_);
  hub_.OnJobChanged(MakeRecord("b", JobState::kQueued, 0, 1));
  hub_.OnJobChanged(succeeded_);
  EXPECT_THAT(Drain(*feed), ElementsAre("a SUCCEEDED", "b QUEUED"));
}

TEST_F(JobsFeedTest, OlderNewsIsDropped) {
  auto feed = Listed({}, {queued_});
  hub_.OnJobChanged(succeeded_);
  hub_.OnJobChanged(running_);
  EXPECT_THAT(Drain(*feed), ElementsAre("a SUCCEEDED"));
  hub_.OnJobChanged(running_);
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

TEST_F(JobsFeedTest, AJobThatStopsMatchingIsSentOnceMore) {
  FeedOptions options;
  options.query.states = {JobState::kQueued};
  auto feed = Listed(options, {queued_});
  hub_.OnJobChanged(running_);
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING"));
  hub_.OnJobChanged(succeeded_);
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

TEST_F(JobsFeedTest, AJobThatStopsMatchingBeforeItIsListedIsNotListed) {
  FeedOptions options;
  options.query.states = {JobState::kQueued};
  auto feed = hub_.WatchAll(options);
  hub_.OnJobChanged(running_);  // after the page was read
  EXPECT_EQ(List(*feed, queued_), "");
  feed->EndListing();
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

TEST_F(JobsFeedTest, DeletionIsToldToThoseWhoKnowTheJob) {
  auto knows = Listed({}, {succeeded_});
  auto does_not = Listed({});
  hub_.OnJobDeleted("a");
  EXPECT_THAT(Drain(*knows), ElementsAre("a deleted"));
  EXPECT_THAT(Drain(*does_not), IsEmpty());
}

TEST_F(JobsFeedTest, AJobDeletedDuringTheListingIsNotListed) {
  auto feed = hub_.WatchAll({});
  hub_.OnJobDeleted("a");
  EXPECT_EQ(List(*feed, succeeded_), "");
  feed->EndListing();
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

TEST_F(JobsFeedTest, ANewJobWithADeletedOnesIdIsSent) {
  auto feed = Listed({}, {succeeded_});
  hub_.OnJobDeleted("a");
  hub_.OnJobChanged(queued_);
  EXPECT_THAT(Drain(*feed), ElementsAre("a QUEUED"));
  hub_.OnJobChanged(running_);
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING"));
}

TEST_F(JobsFeedTest, ProgressComesAtMostOnceASecond) {
  FeedOptions options;
  options.include_progress = true;
  hub_.OnJobChanged(running_);
  auto feed = Listed(options, {running_});
  Step("a", 1);
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING step 1"));
  clock_.Advance(absl::Milliseconds(900));
  Step("a", 2);
  EXPECT_THAT(Drain(*feed), IsEmpty());
  clock_.Advance(absl::Milliseconds(100));
  Step("a", 3);
  Step("a", 4);
  EXPECT_THAT(Drain(*feed), ElementsAre("a RUNNING step 4"));
}

TEST_F(JobsFeedTest, ProgressIsSentOnlyToThoseWhoAsk) {
  hub_.OnJobChanged(running_);
  auto feed = Listed({}, {running_});
  Step("a", 1);
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

TEST_F(JobsFeedTest, TheReaderIsWoken) {
  auto feed = Listed({});
  int woken = 0;
  EXPECT_FALSE(feed->Next([&] { ++woken; }).has_value());
  hub_.OnJobChanged(queued_);
  hub_.OnJobChanged(running_);
  EXPECT_EQ(woken, 1);
}

// An id that was ada's is another's now: all that her feed tells is that hers is gone.
TEST_F(JobsFeedTest, AJobOfAnotherUnderTheSameIdIsNotShown) {
  const auto of = [](JobRecord job, const std::string& creator) {
    job.creator = creator;
    return job;
  };
  FeedOptions of_ada;
  of_ada.query.creator = "ada";
  of_ada.include_progress = true;
  auto feed = Listed(of_ada, {of(succeeded_, "ada")});
  hub_.OnJobDeleted("a");
  hub_.OnJobChanged(of(queued_, "bob"));
  EXPECT_THAT(Drain(*feed), ElementsAre("a deleted"));
  hub_.OnJobChanged(of(running_, "bob"));
  Step("a", 1);
  hub_.OnJobDeleted("a");
  EXPECT_THAT(Drain(*feed), IsEmpty());
}

TEST(MatchesTest, AllThatIsSetMustHold) {
  JobRecord job = MakeRecord("a", JobState::kQueued, 0, 1);
  job.creator = "eva";
  job.labels = {{"lab", "1"}, {"run", "2"}};
  EXPECT_TRUE(Matches({}, job));
  EXPECT_TRUE(
      Matches({{JobState::kRunning, JobState::kQueued}, {{"run", "2"}}, "eva", "tiny"}, job));
  EXPECT_FALSE(Matches({{JobState::kRunning}, {}, {}, {}}, job));
  EXPECT_FALSE(Matches({{}, {{"run", "3"}}, {}, {}}, job));
  EXPECT_FALSE(Matches({{}, {{"other", ""}}, {}, {}}, job));
  EXPECT_FALSE(Matches({{}, {}, "adam", {}}, job));
  EXPECT_FALSE(Matches({{}, {}, {}, "large"}, job));
}

}  // namespace
}  // namespace tweedie
