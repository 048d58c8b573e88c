#include "server/peers/job_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "server/peers/peer_channel.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_certificates.h"
#include "tests/unit/peers/fake_peer.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(30);

int64_t Seq(int attempt, int64_t counter) { return (int64_t{attempt} << 32) | counter; }

v1::WatchJobResponse ProgressEvent(int64_t sequence, int step) {
  v1::WatchJobResponse event;
  event.set_sequence(sequence);
  event.mutable_progress()->set_step(step);
  return event;
}

v1::WatchJobResponse FrameEvent(int64_t sequence, int step) {
  v1::WatchJobResponse event;
  event.set_sequence(sequence);
  event.mutable_frame()->set_step(step);
  event.mutable_frame()->set_kind(v1::Frame::X0_HAT);
  return event;
}

// `RUNNING:1.0`, `step 5:1.4` or `frame 5:1.5`; the message of an error.
std::string Text(const absl::StatusOr<WatchEvent>& event) {
  if (!event.ok()) return std::string(event.status().message());
  std::string text;
  if (const auto* job = std::get_if<std::shared_ptr<const v1::Job>>(&event->what)) {
    text = v1::Job::State_Name((*job)->state());
  } else if (const auto* p = std::get_if<std::shared_ptr<const v1::Progress>>(&event->what)) {
    text = absl::StrCat("step ", (*p)->step());
  } else {
    v1::Frame frame;
    frame.ParseFromString(*std::get<std::shared_ptr<const std::string>>(event->what));
    text = absl::StrCat("frame ", frame.step());
  }
  return absl::StrCat(text, ":", event->sequence >> 32, ".", event->sequence & 0xffffffff);
}

// A server named `here` follows jobs of a queue that `far` runs, and others.
class JobFollowerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = OpenSqliteJobStore(folder_.File("queue.db"), RetentionPolicy(), Clock::Real());
    ASSERT_OK(store);
    store_ = *std::move(store);
    Register("far", far_.address());
    Follow(absl::Milliseconds(40));
  }
  void Follow(absl::Duration last_frames) {
    follower_.reset();
    follower_ = std::make_unique<JobFollower>(
        JobFollower::Options{"here", absl::Milliseconds(20), absl::Milliseconds(40), last_frames},
        JobFollower::Parts{Clock::Real(), store_.get(), &hub_,
                           [security = security_](const std::string& address) {
                             return MakePeerChannel(security, address);
                           }});
  }
  void Register(const std::string& name, const std::string& address) {
    ServerRecord server;
    server.name = name;
    server.address = address;
    ASSERT_OK(store_->Register(server, {}));
  }
  void Create(const std::string& id) {
    NewJob job;
    job.record.id = id;
    job.record.model = "m";
    ASSERT_OK(store_->Create({job}, CreateLimits()));
  }
  Lease Claim(const std::string& server) {
    ClaimRequest request;
    request.server = server;
    request.models = {"m"};
    request.max_cost_bytes = 1;
    auto claimed = store_->Claim(request);
    EXPECT_OK(claimed);
    return claimed.ok() && claimed->has_value() ? (*claimed)->lease : Lease();
  }
  Lease Run(const std::string& id, const std::string& server = "far") {
    Create(id);
    return Claim(server);
  }
  JobRecord Get(const std::string& id) { return store_->Get(id).value_or(JobRecord()); }
  void Finish(const Lease& lease, int64_t last_sequence) {
    JobEnd end;
    end.last_sequence = last_sequence;
    ASSERT_OK(store_->Finish(lease, end));
  }

  // As the service does, up to the first event.
  std::shared_ptr<Subscription> Watch(const std::string& id, WatchOptions options = {},
                                      int64_t after_sequence = 0) {
    auto subscription = hub_.Watch(id, std::move(options));
    EXPECT_OK(hub_.Begin(*subscription, Get(id), 0, after_sequence));
    follower_->LookAt(id);
    EXPECT_OK(Next(*subscription));
    return subscription;
  }
  static absl::StatusOr<WatchEvent> Next(Subscription& subscription) {
    while (true) {
      auto ready = std::make_shared<absl::Notification>();
      auto next = subscription.Next([ready] { ready->Notify(); });
      if (!next.ok()) return next.status();
      if (next->has_value()) return **std::move(next);
      if (!ready->WaitForNotificationWithTimeout(kPatience)) return absl::UnknownError("nothing");
    }
  }
  static std::vector<std::string> Take(Subscription& subscription, int count) {
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) texts.push_back(Text(Next(subscription)));
    return texts;
  }
  static std::string NextOf(JobsFeed& feed) {
    while (true) {
      auto ready = std::make_shared<absl::Notification>();
      const auto event = feed.Next([ready] { ready->Notify(); });
      if (event.has_value() && event->deleted) return event->job_id + " deleted";
      if (event.has_value()) {
        return absl::StrCat(event->job_id, " ",
                            v1::Job::State_Name(v1::Job::State(event->job->state)));
      }
      if (!ready->WaitForNotificationWithTimeout(kPatience)) return "nothing";
    }
  }
  std::shared_ptr<JobsFeed> Feed() {
    auto feed = hub_.WatchAll({});
    feed->EndListing();
    return feed;
  }
  static WatchOptions Frames(int interval, int max_images = 0) {
    return {interval, {{v1::Frame::X0_HAT, v1::IMAGE_FORMAT_PNG, max_images}}};
  }

  const TempFolder folder_;
  FakePeer far_;
  std::unique_ptr<JobStore> store_;
  EventHub hub_{Clock::Real()};
  PeerSecurity security_;
  std::unique_ptr<JobFollower> follower_;
};

// --- Steps and frames -------------------------------------------------------

TEST_F(JobFollowerTest, StepsAndFramesComeFromTheServerThatRunsTheJob) {
  const Lease lease = Run("job1");
  auto watcher = Watch("job1", Frames(5, 3));
  ASSERT_TRUE(far_.WaitForStreams(1));
  far_.Send(ProgressEvent(Seq(1, 1), 5));
  far_.Send(FrameEvent(Seq(1, 2), 5));
  EXPECT_THAT(Take(*watcher, 2), ElementsAre("step 5:1.1", "frame 5:1.2"));
  Finish(lease, Seq(1, 3));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("SUCCEEDED:1.4"));
}

// job1 runs and is watched with frames; its end may wait long for the last of them.
class LastFrameTest : public JobFollowerTest {
 protected:
  void SetUp() override {
    JobFollowerTest::SetUp();
    Follow(/*last_frames=*/absl::Minutes(10));
    lease_ = Run("job1");
    Create("job2");
    watcher_ = Watch("job1", Frames(5));
    other_ = Watch("job2");
    ASSERT_TRUE(far_.WaitForStreams(1));
  }
  void EndUnderTheFollowersEyes() {
    Finish(lease_, Seq(1, 5));
    follower_->LookAt("job1");
    ASSERT_OK(store_->Cancel("job2"));
    EXPECT_THAT(Take(*other_, 1), ElementsAre("CANCELLED:0.2")) << "the store has been looked at";
  }
  void ExpectFrameThenEnd() {
    far_.Send(FrameEvent(Seq(1, 5), 6));
    EXPECT_THAT(Take(*watcher_, 1), ElementsAre("frame 6:1.5"));
    far_.Die();
    EXPECT_THAT(Take(*watcher_, 1), ElementsAre("SUCCEEDED:1.6"));
  }

  Lease lease_;
  std::shared_ptr<Subscription> watcher_, other_;
};

TEST_F(LastFrameTest, TheEndWaitsForIt) {
  far_.Send(ProgressEvent(Seq(1, 1), 5));
  EXPECT_THAT(Take(*watcher_, 1), ElementsAre("step 5:1.1"));
  EndUnderTheFollowersEyes();
  ExpectFrameThenEnd();
}

TEST_F(LastFrameTest, TheEndWaitsThoughItComesWhileTheFirstStepIsTold) {
  absl::Notification looked;
  const auto nothing_yet = watcher_->Next([&] {
    EndUnderTheFollowersEyes();
    looked.Notify();
  });
  ASSERT_OK(nothing_yet);
  ASSERT_FALSE(nothing_yet->has_value());
  far_.Send(ProgressEvent(Seq(1, 1), 5));
  ASSERT_TRUE(looked.WaitForNotificationWithTimeout(kPatience));
  EXPECT_THAT(Take(*watcher_, 1), ElementsAre("step 5:1.1"));
  ExpectFrameThenEnd();
}

TEST_F(JobFollowerTest, TheEndDoesNotWaitForEver) {
  const Lease lease = Run("job1");
  auto watcher = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  far_.Send(ProgressEvent(Seq(1, 1), 5));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 5:1.1"));
  Finish(lease, Seq(1, 5));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("SUCCEEDED:1.6"));
}

TEST_F(JobFollowerTest, RelayAsksForWhatItsWatchersWantAndNamesTheServerItIsMeantFor) {
  Run("job1");
  auto watcher = Watch("job1", {7,
                                {{v1::Frame::X0_HAT, v1::IMAGE_FORMAT_PNG, 3},
                                 {v1::Frame::X_T, v1::IMAGE_FORMAT_PNG, 3}}});
  ASSERT_TRUE(far_.WaitForStreams(1));
  const FakePeer::Stream stream = far_.streams()[0];
  EXPECT_EQ(stream.relay_to, "far");
  EXPECT_EQ(stream.request.name(), "jobs/job1");
  EXPECT_EQ(stream.request.frame_interval(), 7);
  EXPECT_THAT(stream.request.frame_kinds(), ElementsAre(v1::Frame::X0_HAT, v1::Frame::X_T));
  EXPECT_EQ(stream.request.frame_format(), v1::IMAGE_FORMAT_PNG);
  EXPECT_EQ(stream.request.max_frame_images(), 3);
}

TEST_F(JobFollowerTest, RelayShowsTheTokenThatTheFileHoldsWhenItConnects) {
  security_.token_file = folder_.File("token");
  PutFile(security_.token_file, "tw_one\n");
  Follow(absl::Milliseconds(40));
  Run("job1");
  auto watcher = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  EXPECT_EQ(far_.streams()[0].authorization, "Bearer tw_one");
  PutFile(security_.token_file, "tw_two\n");
  far_.Die();
  far_.Revive();
  ASSERT_TRUE(far_.WaitForStreams(2));
  EXPECT_EQ(far_.streams()[1].authorization, "Bearer tw_two");
}

TEST_F(JobFollowerTest, RelayWaitsForAFileThatIsMissing) {
  security_.token_file = folder_.File("token");
  Follow(absl::Milliseconds(40));
  Run("job1");
  auto watcher = Watch("job1");
  absl::SleepFor(absl::Milliseconds(200));  // some tries
  EXPECT_THAT(far_.streams(), SizeIs(0));
  PutFile(security_.token_file, "tw_one\n");
  ASSERT_TRUE(far_.WaitForStreams(1));
  far_.Send(ProgressEvent(Seq(1, 1), 5));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 5:1.1"));
}

TEST_F(JobFollowerTest, WatchersWhoWantTheSameShareAStream) {
  Run("job1");
  auto one = Watch("job1");
  auto two = Watch("job1");
  auto other = Watch("job1", Frames(1));
  ASSERT_TRUE(far_.WaitForStreams(2));
  far_.Send(ProgressEvent(Seq(1, 1), 5));
  for (auto& watcher : {one, two, other}) {
    EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 5:1.1"));
  }
  EXPECT_THAT(far_.streams(), SizeIs(2));
}

TEST_F(JobFollowerTest, FirstMessageOfARelayTellsOfProgressOnly) {
  Run("job1");
  auto watcher = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  v1::WatchJobResponse job;
  job.set_sequence(Seq(1, 7));
  job.mutable_job()->set_state(v1::Job::RUNNING);
  job.mutable_job()->mutable_progress()->set_step(9);
  far_.Send(job);
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 9:1.7"));
}

TEST_F(JobFollowerTest, SequencesAscendWhateverTheRelaySends) {
  Run("job1");
  auto watcher = Watch("job1", {}, /*after_sequence=*/Seq(1, 10));
  ASSERT_TRUE(far_.WaitForStreams(1));
  for (const int counter : {4, 10, 13, 13, 7, 16})
    far_.Send(ProgressEvent(Seq(1, counter), counter));
  std::vector<std::string> got = Take(*watcher, 1);
  while (got.back() != "step 16:1.16") got.push_back(Text(Next(*watcher)));
  EXPECT_THAT(got, ::testing::AnyOf(ElementsAre("step 16:1.16"),
                                    ElementsAre("step 13:1.13", "step 16:1.16")));
}

TEST_F(JobFollowerTest, ReaderThatStandsStillGetsTheNewestOnly) {
  constexpr int kSteps = 500;
  Run("job1");
  auto slow = Watch("job1");
  auto quick = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  for (int step = 1; step <= kSteps; ++step) far_.Send(ProgressEvent(Seq(1, step * 3), step));
  const std::string last = absl::StrCat("step ", kSteps, ":1.", kSteps * 3);
  while (Text(Next(*quick)) != last) {
  }
  // It was put into the quick one's slot after the slow one's, or just before.
  const absl::StatusOr<WatchEvent> event = Next(*slow);
  ASSERT_OK(event);
  EXPECT_GE(event->skipped, kSteps - 3);
}

TEST_F(JobFollowerTest, RelaysOfOthersAreNotRelayed) {
  const Lease lease = Run("job1");
  WatchOptions options;
  options.is_relay = true;
  auto relay = Watch("job1", options);
  auto own = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  far_.Send(ProgressEvent(Seq(1, 1), 5));
  EXPECT_THAT(Take(*own, 1), ElementsAre("step 5:1.1"));
  Finish(lease, Seq(1, 3));
  EXPECT_THAT(Take(*own, 1), ElementsAre("SUCCEEDED:1.4"));
  EXPECT_THAT(Take(*relay, 1), ElementsAre("SUCCEEDED:1.4")) << "no step";
  EXPECT_THAT(far_.streams(), SizeIs(1));
}

TEST_F(JobFollowerTest, StreamIsGivenUpWhenNobodyWatchesAnyMore) {
  Run("job1");
  auto watcher = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  watcher.reset();
  EXPECT_TRUE(far_.WaitUntilAllAreOver());
}

TEST_F(JobFollowerTest, JobThatRunsHereIsNotRelayed) {
  const Lease lease = Run("job1", "here");
  auto watcher = Watch("job1");
  Finish(lease, Seq(1, 3));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("SUCCEEDED:1.4"));
  EXPECT_THAT(far_.streams(), IsEmpty());
}

// --- Servers that go away -----------------------------------------------------

TEST_F(JobFollowerTest, WatcherGoesOnThroughTheDeathOfTheServerToTheNext) {
  Lease lease = Run("job1");
  auto watcher = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  far_.Send(ProgressEvent(Seq(1, 4), 5));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 5:1.4"));
  far_.Die();
  FakePeer third;
  Register("third", third.address());
  ASSERT_OK(store_->Rescue(/*all=*/true));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("QUEUED:1.2147483648"));
  lease = Claim("third");
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("RUNNING:2.0"));
  ASSERT_TRUE(third.WaitForStreams(1));
  third.Send(ProgressEvent(Seq(2, 1), 3));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 3:2.1"));
  Finish(lease, Seq(2, 3));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("SUCCEEDED:2.4"));
}

TEST_F(JobFollowerTest, StreamThatBrokeIsOpenedAgain) {
  Run("job1");
  auto watcher = Watch("job1");
  ASSERT_TRUE(far_.WaitForStreams(1));
  far_.Die();
  far_.Revive();
  ASSERT_TRUE(far_.WaitForStreams(2));
  far_.Send(ProgressEvent(Seq(1, 4), 5));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 5:1.4"));
}

TEST_F(JobFollowerTest, CheckpointsAreToldWhereTheServerCannotBeReached) {
  const Lease lease = Run("job1");
  far_.Die();
  auto watcher = Watch("job1", {}, /*after_sequence=*/Seq(1, 100));
  ASSERT_OK(store_->Checkpoint(lease, {50, 200, 9}, {"job1/c1", 5, "aa"}));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 50:1.101"));
  ASSERT_OK(store_->Checkpoint(lease, {100, 200, 9}, {"job1/c2", 5, "aa"}));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 100:1.102"));
  far_.Revive();
  ASSERT_TRUE(far_.WaitForStreams(1));
  far_.Send(ProgressEvent(Seq(1, 301), 101));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("step 101:1.301"));
}

TEST_F(JobFollowerTest, StateIsToldWhereNobodyKnowsTheServer) {
  const Lease lease = Run("job1", "stranger");
  auto watcher = Watch("job1");
  Finish(lease, Seq(1, 3));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("SUCCEEDED:1.4"));
}

// --- Changes of state ---------------------------------------------------------

TEST_F(JobFollowerTest, ChangesOfStateAreSeenWithoutNews) {
  Create("job1");
  auto watcher = Watch("job1");
  const Lease lease = Claim("far");
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("RUNNING:1.0"));
  ASSERT_OK(store_->Release(lease, Seq(1, 6)));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("QUEUED:1.7"));
  ASSERT_OK(store_->Cancel("job1"));
  EXPECT_THAT(Take(*watcher, 1), ElementsAre("CANCELLED:1.8"));
}

TEST_F(JobFollowerTest, WatchOfAJobThatIsDeletedElsewhereEnds) {
  Create("job1");
  auto watcher = Watch("job1");
  ASSERT_OK(store_->Cancel("job1"));
  ASSERT_OK(store_->Delete("job1"));
  std::string last = Text(Next(*watcher));
  if (last == "CANCELLED:0.2") last = Text(Next(*watcher));  // seen in between
  EXPECT_EQ(last, "jobs/job1 was deleted");
}

TEST_F(JobFollowerTest, FeedsLearnOfJobsThatNewsName) {
  auto feed = Feed();
  Create("job1");
  follower_->Hear({.changed = {"job1"}});
  EXPECT_EQ(NextOf(*feed), "job1 QUEUED");
  ASSERT_OK(store_->Cancel("job1"));
  follower_->Hear({.changed = {"job1"}});
  EXPECT_EQ(NextOf(*feed), "job1 CANCELLED");
  ASSERT_OK(store_->Delete("job1"));
  follower_->Hear({.changed = {"job1"}});
  EXPECT_EQ(NextOf(*feed), "job1 deleted");
}

TEST_F(JobFollowerTest, FeedsCatchUpAfterNewsWereMissed) {
  auto feed = Feed();
  for (const char* id : {"old1", "old2"}) {
    Create(id);
    follower_->Hear({.changed = {id}});
    EXPECT_EQ(NextOf(*feed), absl::StrCat(id, " QUEUED"));
  }
  ASSERT_OK(store_->Cancel("old1"));
  ASSERT_OK(store_->Cancel("old2"));
  ASSERT_OK(store_->Delete("old2"));
  Create("new1");
  follower_->Hear({.missed = true});
  EXPECT_THAT((std::vector{NextOf(*feed), NextOf(*feed), NextOf(*feed)}),
              ::testing::UnorderedElementsAre("old1 CANCELLED", "old2 deleted", "new1 QUEUED"));
}

}  // namespace
}  // namespace tweedie
