#include "server/runner/job_writer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/failpoint.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "core/methods/failure.h"
#include "server/convert/job_proto.h"
#include "server/runner/step_sink.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_method.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/runner/forwarding_store.h"

namespace tweedie {
namespace {

class CountingObserver final : public JobObserver {
 public:
  void OnJobChanged(const JobRecord& job) override { ended += HasEnded(job.state) ? 1 : 0; }
  void OnJobDeleted(const std::string&) override {}
  void OnJobLost(const JobRecord&) override {}
  bool WantsFrame(const std::string&, int, bool) const override { return false; }
  void OnStep(const StepReport&) override {}

  int ended = 0;
};

// Refuses to finish jobs as often as it is told.
class RefusingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<JobRecord> Finish(const Lease& lease, const JobEnd& end) override {
    if (refusals-- > 0) return absl::UnavailableError("busy");
    return ForwardingStore::Finish(lease, end);
  }
  int refusals = 0;
};

class JobWriterTest : public testing::Test {
 protected:
  // One job, claimed.
  std::shared_ptr<RunningJob> Claim() {
    NewJob job;
    job.record.id = "job-1";
    job.record.model = "m";
    job.record.num_images = 1;
    EXPECT_OK(queue_->Create({job}, CreateLimits()));
    const auto claimed = queue_->Claim({"server", "cpu", {"m"}, 1000, absl::Seconds(30)});
    EXPECT_TRUE(claimed.ok() && claimed->has_value());
    auto running = std::make_shared<RunningJob>();
    running->lease = (*claimed)->lease;
    running->record = (*claimed)->job;
    running->sequence = running->record.sequence;
    running_.Add(running);
    return running;
  }

  const TempFolder folder_;
  FakeClock clock_;
  const std::unique_ptr<JobStore> queue_ =
      OpenSqliteJobStore(folder_.File("queue.db"), {}, &clock_).value();
  const FileBlobStore blobs_ = FileBlobStore::Open(folder_.File("blobs")).value();
  RefusingStore store_{queue_.get()};
  CountingObserver observer_;
  std::vector<std::string> cancelled_;
  std::vector<std::string> lost_;
  RunningJobs running_{[this](const std::string& id) { cancelled_.push_back(id); },
                       [this](const JobRecord& job) { lost_.push_back(job.id); }};
  RunCounters counters_;
  DiskReserve reserve_{folder_.File("reserve"), 4096};
  JobWriter writer_{&store_, &blobs_, &observer_, &running_, &counters_, &reserve_};
};

TEST_F(JobWriterTest, WhoWakesUpTouchesNothingOfAJobThatHasTheIdOfItsOwn) {
  const auto sleeper = Claim();
  ASSERT_OK(queue_->Cancel("job-1"));
  ASSERT_OK(queue_->Rescue(/*all=*/true));
  ASSERT_OK(queue_->Delete("job-1"));
  running_.Remove(*sleeper);
  const auto next = Claim();
  ASSERT_EQ(next->lease.attempt, sleeper->lease.attempt);
  const JobOutcome dark = {absl::OkStatus(), {}, at::full({1, 1, 16, 16}, -1.0F)};
  const JobOutcome light = {absl::OkStatus(), {}, at::full({1, 1, 16, 16}, 1.0F)};
  ASSERT_OK(writer_.Finish(*next, light));
  ASSERT_OK_AND_ASSIGN(const JobRecord ended, queue_->Get("job-1"));
  ASSERT_OK_AND_ASSIGN(const std::string result, blobs_.Read(ended.result));
  EXPECT_OK(writer_.Finish(*sleeper, dark));
  EXPECT_EQ(counters_.Values()["tweedie_fence_rejections_total"], 1);
  ASSERT_OK_AND_ASSIGN(const std::string still, blobs_.Read(ended.result));
  EXPECT_TRUE(still == result);
}

TEST_F(JobWriterTest, ADeviceThatFailsIsNoFaultOfTheJob) {
  const auto running = Claim();
  int lost = 0;
  StepSink::Options options;
  options.on_device_lost = [&] { ++lost; };
  StepSink sink(options, &clock_, &running_, &writer_, &observer_, {[] {}, [](const JobId&) {}});
  sink.OnDone("job-1", WithReason(absl::InternalError("CUDA error: ..."), "DEVICE_LOST"),
              FakeMethod(1, 2, 0.5));
  sink.Stop(absl::InfiniteFuture());
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(queue_->Get("job-1")->state, JobState::kRunning);
}

// Distances by a network take a second an image.
TEST_F(JobWriterTest, AnEndThatTheStoreRefusesIsMeasuredOnce) {
  const auto running = Claim();
  running->targets.reference = at::full({1, 1, 16, 16}, 0.2F);
  const JobOutcome outcome = {absl::OkStatus(), {}, at::zeros({1, 1, 16, 16})};
  store_.refusals = 2;
  EXPECT_THAT(writer_.Finish(*running, outcome),
              StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
  running->targets.reference = at::full({1, 1, 16, 16}, 0.9F);  // would be seen
  EXPECT_THAT(writer_.Finish(*running, outcome),
              StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
  EXPECT_EQ(counters_.Values()["tweedie_store_errors_total{call=\"finish\"}"], 2);
  EXPECT_OK(writer_.Finish(*running, outcome));
  ASSERT_OK_AND_ASSIGN(const JobRecord ended, queue_->Get("job-1"));
  EXPECT_EQ(ended.state, JobState::kSucceeded);
  v1::Job job = ToProto(ended);
  ASSERT_EQ(job.metrics_size(), 1);
  EXPECT_NEAR(job.metrics(0).psnr(), 20, 1e-4);  // 0.2 of [-1, 1] is 0.1 of [0, 1]
  EXPECT_OK(blobs_.Read(ended.result));
  EXPECT_EQ(running_.size(), 0);
}

// --- Replies of the store that were lost, or that say no ---------------------

#ifdef TWEEDIE_FAILPOINTS

class LostReplyTest : public JobWriterTest {
 protected:
  ~LostReplyTest() override { DisarmFailpoints(); }
  const JobOutcome done_ = {absl::OkStatus(), {3, 3, 0}, at::zeros({1, 1, 16, 16})};
  const MethodState state_ = {1, {{"x", at::zeros({1, 1, 16, 16})}}};
};

TEST_F(LostReplyTest, AnEndThatWasStoredAfterAllKeepsItsResult) {
  const auto running = Claim();
  ASSERT_OK(ArmFailpoints("finish.after=error"));
  EXPECT_THAT(writer_.Finish(*running, done_),
              StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
  EXPECT_OK(writer_.Finish(*running, done_));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("job-1"));
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_OK(blobs_.Read(job.result).status());
  EXPECT_EQ(running_.size(), 0);
  EXPECT_EQ(counters_.Values()["tweedie_fence_rejections_total"], 0);
  EXPECT_EQ(observer_.ended, 1);
}

TEST_F(LostReplyTest, ACheckpointThatWasStoredAfterAllIsThere) {
  const auto running = Claim();
  ASSERT_OK(ArmFailpoints("checkpoint.after=error"));
  EXPECT_FALSE(writer_.Checkpoint(*running, {1, 3, 2}, state_).ok());
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("job-1"));
  EXPECT_EQ(job.progress.step, 1);
  EXPECT_OK(blobs_.Read(job.checkpoint).status());
}

TEST_F(LostReplyTest, CheckpointsInDoubtGoWithTheNext) {
  const auto running = Claim();
  ASSERT_OK(writer_.Checkpoint(*running, {1, 5, 4}, state_));
  ASSERT_OK(ArmFailpoints("checkpoint.after=error"));
  EXPECT_FALSE(writer_.Checkpoint(*running, {2, 5, 3}, state_).ok());
  ASSERT_OK(ArmFailpoints("checkpoint.blob=error"));
  EXPECT_FALSE(writer_.Checkpoint(*running, {3, 5, 2}, state_).ok());
  ASSERT_OK(writer_.Checkpoint(*running, {4, 5, 1}, state_));
  EXPECT_THAT(blobs_.List(absl::ZeroDuration()).value(),
              ::testing::ElementsAre(::testing::StartsWith("job-1/checkpoint-1-4-")));
  EXPECT_OK(writer_.Finish(*running, done_));
  EXPECT_THAT(blobs_.List(absl::ZeroDuration()).value(),
              ::testing::ElementsAre(::testing::StartsWith("job-1/result-1-")));
}

TEST_F(LostReplyTest, ACheckpointThatTheStoreHasNoRoomForLeavesNoFile) {
  const auto running = Claim();
  ASSERT_OK(ArmFailpoints("checkpoint.blob=full"));
  EXPECT_THAT(writer_.Checkpoint(*running, {1, 3, 2}, state_),
              StatusIs(absl::StatusCode::kResourceExhausted, ::testing::_));
  EXPECT_THAT(blobs_.List(absl::ZeroDuration()).value(), ::testing::IsEmpty());
}

// As when a job is drained that has just had its checkpoint: the row refers to it.
TEST_F(LostReplyTest, ACheckpointThatIsStoredStaysWhateverComesOfAnother) {
  const auto running = Claim();
  ASSERT_OK(writer_.Checkpoint(*running, {1, 3, 2}, state_));
  ASSERT_OK(ArmFailpoints("checkpoint.blob=full"));
  EXPECT_OK(writer_.Checkpoint(*running, {1, 3, 2}, state_)) << "it is there";
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("job-1"));
  EXPECT_OK(blobs_.Read(job.checkpoint).status());
}

// Its reply was lost: the row may refer to it.
TEST_F(LostReplyTest, ACheckpointInDoubtStaysThoughTheStoreRefusesItLater) {
  const auto running = Claim();
  ASSERT_OK(ArmFailpoints("checkpoint.after=error"));
  EXPECT_FALSE(writer_.Checkpoint(*running, {1, 3, 2}, state_).ok());
  ASSERT_OK(ArmFailpoints("checkpoint.blob=full"));
  EXPECT_FALSE(writer_.Checkpoint(*running, {1, 3, 2}, state_).ok());
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("job-1"));
  EXPECT_OK(blobs_.Read(job.checkpoint).status());
}

// Drained with a full disk: what it does not give back would count as a crash.
TEST_F(LostReplyTest, AJobWhoseCheckpointTheDiskRefusesIsGivenBackAllTheSame) {
  const auto running = Claim();
  FakeMethod method(1, 3, 0.5);
  Evaluation evaluation;
  evaluation.prediction = at::zeros({1, 1, 2, 2});
  ASSERT_OK(method.Advance(evaluation));
  ASSERT_OK(reserve_.Restore());
  ASSERT_OK(ArmFailpoints("file.write=full@0"));
  EXPECT_OK(writer_.Release(*running, method));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("job-1"));
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.crashes, 0);
  EXPECT_FALSE(reserve_.held());
}

#endif  // TWEEDIE_FAILPOINTS

// Each would forgive a crash.
TEST_F(JobWriterTest, AJobIsLostOnce) {
  const auto running = Claim();
  running_.Abandon(*running, "no heartbeat reached the store");
  running_.Abandon(*running, "a write was refused");
  EXPECT_EQ(running_.TakeLost().size(), 1);
  EXPECT_EQ(running_.TakeLost().size(), 0);
}

// The engine has no use for it any more.
TEST_F(JobWriterTest, ACheckpointUnderALostLeaseTakesTheJobOutOfTheEngine) {
  const auto running = Claim();
  ASSERT_OK(queue_->Rescue(/*all=*/true));
  EXPECT_OK(writer_.Checkpoint(*running, {1, 3, 2}, {1, {{"x", at::zeros({1, 1, 16, 16})}}}));
  EXPECT_TRUE(running->abandoned);
  EXPECT_EQ(running_.size(), 0);
  EXPECT_THAT(cancelled_, ::testing::ElementsAre("job-1"));
  EXPECT_THAT(lost_, ::testing::ElementsAre("job-1"));
  EXPECT_THAT(blobs_.List(absl::ZeroDuration()).value(), ::testing::IsEmpty());
}

// Another attempt has the job: nothing of it is touched.
TEST_F(JobWriterTest, AnEndUnderALostLeaseIsRefusedAndCounted) {
  const auto running = Claim();
  ASSERT_OK(queue_->Rescue(/*all=*/true));
  ASSERT_OK(queue_->Claim({"other", "cpu", {"m"}, 1000, absl::Seconds(30)}));
  EXPECT_OK(writer_.Finish(*running, {absl::OkStatus(), {}, at::zeros({1, 1, 16, 16})}));
  EXPECT_TRUE(running->abandoned);
  EXPECT_EQ(counters_.Values()["tweedie_fence_rejections_total"], 1);
  EXPECT_EQ(queue_->Get("job-1")->state, JobState::kRunning);
  EXPECT_THAT(blobs_.List(absl::ZeroDuration()).value(), ::testing::IsEmpty());
}

// Its runner was taken for dead, and the job ended as its user wished.
TEST_F(JobWriterTest, AnEndOfAJobThatWasCancelledMeanwhileLeavesNoFile) {
  const auto running = Claim();
  ASSERT_OK(queue_->Cancel("job-1"));
  ASSERT_OK(queue_->Rescue(/*all=*/true));
  EXPECT_OK(writer_.Finish(*running, {absl::OkStatus(), {}, at::zeros({1, 1, 16, 16})}));
  EXPECT_EQ(queue_->Get("job-1")->state, JobState::kCancelled);
  EXPECT_THAT(blobs_.List(absl::ZeroDuration()).value(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace tweedie
