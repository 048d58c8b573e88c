// What a caller may see, and have queued, as the RPCs about jobs ask for it.
#include "server/rpc/job_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "core/jobs/sqlite/sqlite_job_store.h"
#include "server/rpc/job_reading.h"
#include "server/runner/disk_reserve.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/runner/forwarding_store.h"

namespace tweedie {
namespace {

Identity Of(const std::string& name, Role role) { return {name, role, {}, name, ""}; }

v1::JobFilter ByCreator(const std::string& creator) {
  v1::JobFilter filter;
  filter.set_creator(creator);
  return filter;
}

TEST(ToQueryTest, AUserAsksForOwnJobsAlone) {
  const Identity ada = Of("ada", Role::kUser);
  EXPECT_EQ(ToQuery({}, ada)->creator, "ada");
  EXPECT_EQ(ToQuery(ByCreator("ada"), ada)->creator, "ada");
  // Of nobody: not an error, and nothing of bob's.
  EXPECT_FALSE(IsCreatorName(*ToQuery(ByCreator("bob"), ada)->creator));
}

TEST(ToQueryTest, OthersAskForAll) {
  for (const Role role : {Role::kViewer, Role::kOperator}) {
    EXPECT_EQ(ToQuery({}, Of("ada", role))->creator, std::nullopt);
    EXPECT_EQ(ToQuery(ByCreator("bob"), Of("ada", role))->creator, "bob");
  }
}

TEST(LimitsOfTest, TheLowerOfEachHolds) {
  CreateLimits server;
  server.max_queued_per_creator = 10;
  server.max_queued_bytes_per_creator = 8 << 20;
  const auto limits = [&](std::optional<int64_t> jobs, std::optional<int64_t> mebibytes) {
    return LimitsOf(server, {jobs, mebibytes});
  };
  EXPECT_EQ(limits({}, {}).max_queued_per_creator, 10);
  EXPECT_EQ(limits(3, {}).max_queued_per_creator, 3);
  EXPECT_EQ(limits(30, {}).max_queued_per_creator, 10);
  EXPECT_EQ(limits({}, {}).max_queued_bytes_per_creator, 8 << 20);
  EXPECT_EQ(limits({}, 2).max_queued_bytes_per_creator, 2 << 20);
  EXPECT_EQ(limits({}, 20).max_queued_bytes_per_creator, 8 << 20);
  server.max_queued_bytes_per_creator = 0;  // no limit of the server's
  EXPECT_EQ(limits({}, 20).max_queued_bytes_per_creator, 20 << 20);
  EXPECT_EQ(limits(3, 2).max_queued, server.max_queued);
  EXPECT_EQ(limits(3, 2).max_queued_bytes, server.max_queued_bytes);
}

// --- A full disk ---------------------------------------------------------------

// Has no room for what ends and deletes jobs until the reserve is given up.
class FullStore final : public ForwardingStore {
 public:
  FullStore(JobStore* store, const DiskReserve* reserve)
      : ForwardingStore(store), reserve_(*reserve) {}
  absl::StatusOr<JobRecord> Cancel(absl::string_view id, bool* ended) override {
    return IsFull() ? Full() : ForwardingStore::Cancel(id, ended);
  }
  absl::StatusOr<JobRecord> Delete(absl::string_view id) override {
    return IsFull() ? Full() : ForwardingStore::Delete(id);
  }
  int refused = 0;

 private:
  bool IsFull() {
    refused += reserve_.held() ? 1 : 0;
    return reserve_.held();
  }
  static absl::Status Full() { return absl::ResourceExhaustedError("the disk is full"); }

  const DiskReserve& reserve_;
};

class IdleRunner final : public RunnerControl {
 public:
  explicit IdleRunner(DiskReserve* reserve) : reserve_(*reserve) {}
  void Wake() override {}
  void Cancel(const std::string&) override {}
  absl::Status CheckRoom() const override { return absl::OkStatus(); }
  void MakeRoom(const absl::Status& status) override { reserve_.MakeRoom(status).IgnoreError(); }
  std::map<std::string, double> Metrics() const override { return {}; }

 private:
  DiskReserve& reserve_;
};

class JobCallsTest : public testing::Test {
 protected:
  // A queued job, with the bytes of its input stored.
  void Create(const std::string& id) {
    NewJob job;
    job.record.id = id;
    job.record.model = "m";
    job.record.num_images = 1;
    job.record.input = blobs_.Write(id + "/input", "input").value();
    ASSERT_OK(queue_->Create({job}, CreateLimits()));
  }
  const ServiceParts& Parts(JobStore* store, DiskReserve* reserve) {
    runner_ = std::make_unique<IdleRunner>(reserve);
    parts_.store = store;
    parts_.blobs = &blobs_;
    parts_.hub = &hub_;
    parts_.runner = runner_.get();
    return parts_;
  }
  JobCalls Calls(JobStore* store, DiskReserve* reserve) { return JobCalls(&Parts(store, reserve)); }
  absl::Status ReadMeasurementFrom(JobStore* store) {
    Budget memory(1 << 20);
    return ReadMeasurement("jobs/job-1", Of("ada", Role::kOperator), Parts(store, &reserve_),
                           memory)
        .status();
  }
  static absl::StatusOr<v1::Job> Cancel(JobCalls& calls, const std::string& name) {
    v1::CancelJobRequest request;
    request.set_name(name);
    return calls.Cancel(request, Of("ada", Role::kOperator));
  }
  static absl::Status Delete(JobCalls& calls, const std::string& name) {
    v1::DeleteJobRequest request;
    request.set_name(name);
    return calls.Delete(request, Of("ada", Role::kOperator));
  }

  const TempFolder folder_;
  FakeClock clock_;
  const std::unique_ptr<JobStore> queue_ =
      OpenSqliteJobStore(folder_.File("queue.db"), {}, &clock_).value();
  const FileBlobStore blobs_ = FileBlobStore::Open(folder_.File("blobs")).value();
  EventHub hub_{&clock_};
  DiskReserve reserve_{folder_.File("reserve"), 4096};
  std::unique_ptr<IdleRunner> runner_;
  ServiceParts parts_;
};

TEST_F(JobCallsTest, CancellingUsesTheReserveOfAFullDisk) {
  Create("job-1");
  ASSERT_OK(reserve_.Restore());
  FullStore store(queue_.get(), &reserve_);
  JobCalls calls = Calls(&store, &reserve_);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Cancel(calls, "jobs/job-1"));
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
  EXPECT_FALSE(reserve_.held());
}

TEST_F(JobCallsTest, DeletingUsesTheReserveOfAFullDisk) {
  Create("job-1");
  ASSERT_OK(queue_->Cancel("job-1"));
  ASSERT_OK(reserve_.Restore());
  FullStore store(queue_.get(), &reserve_);
  JobCalls calls = Calls(&store, &reserve_);
  EXPECT_OK(Delete(calls, "jobs/job-1"));
  EXPECT_FALSE(reserve_.held());
  EXPECT_THAT(blobs_.List(absl::ZeroDuration()).value(), testing::IsEmpty());
}

TEST_F(JobCallsTest, WhereThereIsNoReserveAFullDiskIsSaidAfterTwoTries) {
  Create("job-1");
  DiskReserve none(folder_.File("none"), 0);
  FullStore store(queue_.get(), &none);
  JobCalls calls = Calls(&store, &none);
  EXPECT_THAT(Cancel(calls, "jobs/job-1"),
              StatusIs(absl::StatusCode::kResourceExhausted, "the disk is full"));
  EXPECT_EQ(store.refused, 2);
  EXPECT_EQ(queue_->Get("job-1")->state, JobState::kQueued);
}

// --- What has gone since --------------------------------------------------------

// Lets something happen after the first look at a job.
class LookedAtStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<JobRecord> Get(absl::string_view id) override {
    absl::StatusOr<JobRecord> job = ForwardingStore::Get(id);
    if (after_look) std::exchange(after_look, nullptr)();
    return job;
  }
  std::function<void()> after_look;
};

TEST_F(JobCallsTest, AMeasurementWhoseJobGoesWhileItIsReadIsNotFound) {
  Create("job-1");
  ASSERT_OK(queue_->Cancel("job-1"));
  LookedAtStore store(queue_.get());
  store.after_look = [this] { EXPECT_OK(blobs_.Remove(queue_->Delete("job-1")->input.name)); };
  EXPECT_THAT(ReadMeasurementFrom(&store), StatusIs(absl::StatusCode::kNotFound, testing::_));
}

TEST_F(JobCallsTest, AMeasurementThatIsMissingIsDataLoss) {
  Create("job-1");
  ASSERT_OK(blobs_.Remove("job-1/input"));
  EXPECT_THAT(ReadMeasurementFrom(queue_.get()), StatusIs(absl::StatusCode::kDataLoss, testing::_));
}

}  // namespace
}  // namespace tweedie
