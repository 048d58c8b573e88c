#include "server/runner/job_writer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "core/jobs/sqlite/sqlite_job_store.h"
#include "server/convert/job_proto.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/runner/forwarding_store.h"

namespace tweedie {
namespace {

class SilentObserver final : public JobObserver {
 public:
  void OnJobChanged(const JobRecord&) override {}
  void OnJobDeleted(const std::string&) override {}
  bool WantsFrame(const std::string&, int, bool) const override { return false; }
  void OnStep(const StepReport&) override {}
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
  SilentObserver observer_;
  RunningJobs running_;
  RunCounters counters_;
  JobWriter writer_{&store_, &blobs_, &observer_, &running_, &counters_};
};

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
  EXPECT_OK(writer_.Finish(*running, outcome));
  ASSERT_OK_AND_ASSIGN(const JobRecord ended, queue_->Get("job-1"));
  EXPECT_EQ(ended.state, JobState::kSucceeded);
  v1::Job job = ToProto(ended);
  ASSERT_EQ(job.metrics_size(), 1);
  EXPECT_NEAR(job.metrics(0).psnr(), 20, 1e-4);  // 0.2 of [-1, 1] is 0.1 of [0, 1]
  EXPECT_OK(blobs_.Read(ended.result));
  EXPECT_EQ(running_.size(), 0);
}

// The connection broke while the store committed, and the database did not come
// back to be asked.
class InDoubtStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<BlobRef> Checkpoint(const Lease& lease, const JobProgress& progress,
                                     const BlobRef& blob) override {
    auto replaced = ForwardingStore::Checkpoint(lease, progress, blob);
    return std::exchange(in_doubt, false) ? InDoubt() : replaced;
  }
  absl::StatusOr<JobRecord> Finish(const Lease& lease, const JobEnd& end) override {
    auto ended = ForwardingStore::Finish(lease, end);
    return std::exchange(in_doubt, false) ? InDoubt() : ended;
  }

  bool in_doubt = false;

 private:
  static absl::Status InDoubt() {
    absl::Status status = absl::UnavailableError("who knows");
    status.SetPayload(kInDoubtPayload, absl::Cord());
    return status;
  }
};

TEST_F(JobWriterTest, EndInDoubtThatWasDoneIsFoundDone) {
  InDoubtStore store(queue_.get());
  JobWriter writer(&store, &blobs_, &observer_, &running_, &counters_);
  const auto running = Claim();
  const JobOutcome outcome = {absl::OkStatus(), {}, at::zeros({1, 1, 16, 16})};
  store.in_doubt = true;
  EXPECT_THAT(writer.Finish(*running, outcome),
              StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
  EXPECT_EQ(running_.size(), 1) << "it is tried again";
  EXPECT_OK(writer.Finish(*running, outcome));
  ASSERT_OK_AND_ASSIGN(const JobRecord ended, queue_->Get("job-1"));
  EXPECT_OK(blobs_.Read(ended.result)) << "not removed as one of a lost lease";
  EXPECT_EQ(counters_.Values().count("tweedie_fence_rejections_total"), 0u);
}

TEST_F(JobWriterTest, BlobOfACheckpointInDoubtIsKept) {
  InDoubtStore store(queue_.get());
  JobWriter writer(&store, &blobs_, &observer_, &running_, &counters_);
  const auto running = Claim();
  store.in_doubt = true;
  EXPECT_THAT(writer.Checkpoint(*running, {}, {}),
              StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("job-1"));
  EXPECT_OK(blobs_.Read(job.checkpoint));
}

}  // namespace
}  // namespace tweedie
