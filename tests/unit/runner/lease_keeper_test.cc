#include "server/runner/lease_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/runner/forwarding_store.h"

namespace tweedie {
namespace {

// Answers as it is told, where that is an error.
class ToldStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::vector<HeartbeatResult>> Heartbeat(const std::vector<Lease>& leases,
                                                         absl::Duration duration) override {
    if (on_heartbeat) on_heartbeat();
    return heartbeat.ok() ? ForwardingStore::Heartbeat(leases, duration) : heartbeat;
  }
  absl::StatusOr<JobRecord> Release(const Lease& lease, int64_t last_sequence) override {
    ++releases;
    return release.ok() ? ForwardingStore::Release(lease, last_sequence) : release;
  }

  std::function<void()> on_heartbeat;
  absl::Status heartbeat;
  absl::Status release;
  int releases = 0;
};

class LeaseKeeperTest : public testing::Test {
 protected:
  LeaseKeeperTest() {
    NewJob job;
    job.record.id = "job-1";
    job.record.model = "m";
    job.record.num_images = 1;
    EXPECT_OK(queue_->Create({job}, CreateLimits()));
    const Claimed claimed =
        queue_->Claim({"server", "cpu", {"m"}, 1000, absl::Hours(2)}).value().value();
    job_->lease = claimed.lease;
    job_->record = claimed.job;
    running_.Add(job_);
  }

  // The first beat of a keeper, which comes at once.
  void Beat() {
    LeaseKeeper keeper(
        {.lease = absl::Hours(2), .heartbeat = absl::Hours(1)},
        {&clock_, &store_, &running_, &counters_, &reserve_, [](const JobRecord&) {}});
    keeper.Stop();
  }
  // While it is asked, for too long, `meanwhile` happens; then it has no answer.
  void BeatInVain(const std::function<void()>& meanwhile) {
    store_.on_heartbeat = [this, meanwhile] {
      clock_.Advance(absl::Hours(1));
      meanwhile();
    };
    store_.heartbeat = absl::UnavailableError("the database is away");
    Beat();
  }
  JobRecord Stored() { return queue_->Get("job-1").value(); }

  const TempFolder folder_;
  FakeClock clock_;
  const std::unique_ptr<JobStore> queue_ =
      OpenSqliteJobStore(folder_.File("queue.db"), {}, &clock_).value();
  ToldStore store_{queue_.get()};
  RunningJobs running_{[](const std::string&) {}, [](const JobRecord&) {}};
  RunCounters counters_;
  DiskReserve reserve_{folder_.File("reserve"), 4096};
  const std::shared_ptr<RunningJob> job_ = std::make_shared<RunningJob>();
};

TEST_F(LeaseKeeperTest, WhatRunsIsGivenUpWhereTheStoreIsAwayForTooLong) {
  BeatInVain([] {});
  EXPECT_TRUE(job_->abandoned);
  EXPECT_EQ(counters_.Values()["tweedie_leases_given_up_total"], 1);
  EXPECT_EQ(running_.TakeLost().size(), 1);
}

// Its end is in the store.
TEST_F(LeaseKeeperTest, WhatEndedWhileTheStoreWasAskedIsNotGivenUp) {
  BeatInVain([this] { running_.Remove(*job_); });
  EXPECT_FALSE(job_->abandoned);
  EXPECT_EQ(counters_.Values()["tweedie_leases_given_up_total"], 0);
  EXPECT_EQ(running_.TakeLost().size(), 0);
}

TEST_F(LeaseKeeperTest, WhatTheDiskHasNoRoomToGiveBackIsGivenBackLater) {
  running_.Abandon(*job_, "a test");
  ASSERT_OK(reserve_.Restore());
  store_.release = absl::ResourceExhaustedError("the disk is full");
  Beat();
  EXPECT_FALSE(reserve_.held());
  ASSERT_EQ(Stored().state, JobState::kRunning);
  store_.release = absl::OkStatus();
  Beat();
  EXPECT_EQ(Stored().state, JobState::kQueued);
  EXPECT_EQ(Stored().crashes, 0);
}

// It would forgive a crash of whoever runs the job since.
TEST_F(LeaseKeeperTest, WhatMayHaveBeenGivenBackIsNotGivenBackAgain) {
  running_.Abandon(*job_, "a test");
  store_.release = absl::UnavailableError("the reply was lost");
  Beat();
  store_.release = absl::OkStatus();
  Beat();
  EXPECT_EQ(store_.releases, 1);
}

}  // namespace
}  // namespace tweedie
