// JobArchive: what export, import and check ask of a queue.
#include <tuple>

#include "tests/contract/job_store_fixture.h"

namespace tweedie {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename T>
class ArchiveTest : public JobStoreTest<T> {
 protected:
  void SetUp() override {
    JobStoreTest<T>::SetUp();
    auto archive = this->stores_.OpenArchive(ArchiveUse::kExisting, &this->clock_);
    ASSERT_OK(archive);
    archive_ = *std::move(archive);
  }
  std::vector<ArchivedJob> All() {
    auto jobs = archive_->Jobs(0, 1000);
    EXPECT_OK(jobs);
    return jobs.value_or(std::vector<ArchivedJob>());
  }
  // A job in each state but RUNNING, with all that it can have.
  void Fill() {
    this->CreateEnded("failed", JobEvent::kFail);
    this->CreateEnded("cancelled", JobEvent::kCancel);
    this->Create("succeeded",
                 {.labels = {{"a", "1"}, {"b", "2"}}, .request_id = "r", .request_digest = "d"});
    JobEnd end = this->End(JobEvent::kSucceed);
    end.result = {"succeeded/result-1", 9, "ee"};
    end.outcome = std::string("psnr\0", 5);
    ASSERT_OK(this->store_->Finish(this->Claim().lease, end));
    this->Create("resumed");
    const Lease lease = this->Claim().lease;
    ASSERT_OK(this->store_->Checkpoint(lease, {7, 50, 3}, {"resumed/checkpoint-1-7", 5, "cc"}));
    ASSERT_OK(this->store_->Release(lease, lease.attempt));
    this->clock_.Advance(absl::Seconds(1));
    this->Create("queued", {.priority = JobPriority::kBatch, .creator = "bob"});
  }

  std::unique_ptr<JobArchive> archive_;
};
TYPED_TEST_SUITE(ArchiveTest, Stores, StoreName);

void ExpectSame(const ArchivedJob& a, const ArchivedJob& b) {
  const JobRecord& x = a.record;
  const JobRecord& y = b.record;
  const auto all_of = [](const JobRecord& job) {
    return std::make_tuple(job.id, job.model, job.creator, job.priority, job.labels, job.spec,
                           job.num_images, job.cost_bytes, job.state, job.sequence, job.attempt,
                           job.crashes, job.cancel_requested, job.outcome, job.server, job.device,
                           job.create_time, job.start_time, job.end_time, job.expire_time);
  };
  const auto blobs_of = [](const JobRecord& job) {
    std::vector<std::tuple<std::string, int64_t, std::string>> blobs;
    for (const BlobRef* blob : {&job.input, &job.checkpoint, &job.result}) {
      blobs.emplace_back(blob->name, blob->size, blob->sha256);
    }
    return blobs;
  };
  EXPECT_EQ(all_of(x), all_of(y));
  EXPECT_EQ(blobs_of(x), blobs_of(y));
  EXPECT_EQ(x.progress.step, y.progress.step);
  EXPECT_EQ(x.progress.num_steps, y.progress.num_steps);
  EXPECT_EQ(x.progress.timestep, y.progress.timestep);
  EXPECT_EQ(x.failure.has_value(), y.failure.has_value());
  if (x.failure.has_value() && y.failure.has_value()) {
    EXPECT_EQ(x.failure->code, y.failure->code);
    EXPECT_EQ(x.failure->message, y.failure->message);
    EXPECT_EQ(x.failure->reason, y.failure->reason);
  }
  EXPECT_EQ(a.furthest_step, b.furthest_step);
  EXPECT_EQ(a.request_id, b.request_id);
  EXPECT_EQ(a.request_digest, b.request_digest);
}

TYPED_TEST(ArchiveTest, AddedJobsAreTheSameInTheSameOrder) {
  this->Fill();
  const std::vector<ArchivedJob> jobs = this->All();
  ASSERT_THAT(jobs, SizeIs(5));
  TypeParam other;
  ASSERT_OK_AND_ASSIGN(auto copy, other.OpenArchive(ArchiveUse::kMake, &this->clock_));
  ASSERT_OK_AND_ASSIGN(const Added added, copy->Add(jobs, {}));
  EXPECT_EQ(added.jobs, 5);
  EXPECT_EQ(added.known_jobs, 0);
  ASSERT_OK_AND_ASSIGN(const std::vector<ArchivedJob> copied, copy->Jobs(0, 1000));
  ASSERT_THAT(copied, SizeIs(5));
  for (size_t i = 0; i < 5; ++i) ExpectSame(copied[i], jobs[i]);
}

TYPED_TEST(ArchiveTest, AStoreGoesOnWithAddedJobs) {
  this->Fill();
  const std::vector<ArchivedJob> jobs = this->All();
  TypeParam other;
  ASSERT_OK_AND_ASSIGN(auto copy, other.OpenArchive(ArchiveUse::kMake, &this->clock_));
  ASSERT_OK(copy->Add(jobs, {}));
  ASSERT_OK_AND_ASSIGN(auto store, other.Open(this->retention_, &this->clock_));
  ASSERT_OK_AND_ASSIGN(const auto claimed, store->Claim(this->Request()));
  ASSERT_TRUE(claimed.has_value());
  EXPECT_EQ(claimed->job.id, "resumed") << "its priority is higher";
  EXPECT_EQ(claimed->job.attempt, 2);
  EXPECT_EQ(claimed->job.checkpoint.name, "resumed/checkpoint-1-7");
  std::vector<bool> created;
  const NewJob again = MakeJob("x", {.request_id = "r", .request_digest = "d"});
  ASSERT_OK_AND_ASSIGN(const auto found, store->Create({again}, CreateLimits(), &created));
  EXPECT_THAT(found, ElementsAre(HasId("succeeded"))) << "its request id has moved along";
  EXPECT_THAT(created, ElementsAre(false));
}

TYPED_TEST(ArchiveTest, JobsComeInBoundedPages) {
  this->Fill();
  std::vector<std::string> ids;
  int64_t row = 0;
  for (int page = 0; page < 3; ++page) {
    ASSERT_OK_AND_ASSIGN(const auto jobs, this->archive_->Jobs(row, 2));
    EXPECT_LE(jobs.size(), 2u);
    for (const ArchivedJob& job : jobs) ids.push_back(job.record.id);
    row = jobs.back().row;
  }
  EXPECT_THAT(ids, ElementsAre("failed", "cancelled", "succeeded", "resumed", "queued"));
  ASSERT_OK_AND_ASSIGN(const auto rest, this->archive_->Jobs(row, 2));
  EXPECT_THAT(rest, IsEmpty());
}

TYPED_TEST(ArchiveTest, KnownJobsStayAsTheyAre) {
  this->Fill();
  std::vector<ArchivedJob> jobs = this->All();
  for (ArchivedJob& job : jobs) job.record.creator = "another";
  ArchivedJob fresh = jobs.back();
  fresh.record.id = "new";
  fresh.request_id = "r";  // known, of the job `succeeded`
  fresh.request_digest = "other";
  jobs.push_back(fresh);
  ASSERT_OK_AND_ASSIGN(const Added added, this->archive_->Add(jobs, {}));
  EXPECT_EQ(added.jobs, 1);
  EXPECT_EQ(added.known_jobs, 5);
  EXPECT_EQ(added.known_requests, 1);
  EXPECT_EQ(this->Get("queued").creator, "bob");
  EXPECT_EQ(this->All().back().request_id, "");
  ASSERT_OK_AND_ASSIGN(const bool has, this->archive_->Has("new"));
  EXPECT_TRUE(has);
  ASSERT_OK_AND_ASSIGN(const bool has_other, this->archive_->Has("none"));
  EXPECT_FALSE(has_other);
}

TYPED_TEST(ArchiveTest, ARunningJobIsShownWithItsLeaseAndNotAdded) {
  this->Create("job-1");
  this->Claim();
  std::vector<ArchivedJob> jobs = this->All();
  ASSERT_THAT(jobs, SizeIs(1));
  EXPECT_TRUE(jobs[0].has_lease_token);
  EXPECT_EQ(jobs[0].lease_end, this->clock_.Now() + absl::Seconds(30));
  jobs[0].record.id = "job-2";
  EXPECT_THAT(this->archive_->Add(jobs, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("job-2")));
  EXPECT_THAT(this->ListIds({}), ElementsAre("job-1"));
}

TYPED_TEST(ArchiveTest, AnErrorNamesTheJobThatItIsOf) {
  this->Create("job-1");
  ArchivedJob bad = this->All()[0];
  bad.record.id = "job-2";
  bad.record.state = JobState{9};  // which no store takes
  EXPECT_THAT(std::string(this->archive_->Add({bad}, {}).status().message()),
              HasSubstr("job job-2: "));
  EXPECT_THAT(this->ListIds({}), ElementsAre("job-1"));
}

TYPED_TEST(ArchiveTest, RequestIdsOfDeletedJobsMoveToo) {
  for (const char* id : {"a", "b", "c"}) {
    this->Create(id, {.request_id = std::string("r-") + id, .request_digest = "d"});
    ASSERT_OK(this->store_->Cancel(id));
    if (*id != 'c') {
      ASSERT_OK(this->store_->Delete(id));
    }
  }
  ASSERT_OK_AND_ASSIGN(const auto first, this->archive_->SpentRequests("", 1));
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].id, "r-a");
  EXPECT_EQ(first[0].expire_time, this->clock_.Now() + absl::Hours(24));
  ASSERT_OK_AND_ASSIGN(const auto rest, this->archive_->SpentRequests("r-a", 10));
  ASSERT_THAT(rest, SizeIs(1)) << "that of c has its job";
  TypeParam other;
  ASSERT_OK_AND_ASSIGN(auto copy, other.OpenArchive(ArchiveUse::kMake, &this->clock_));
  ASSERT_OK(copy->Add({}, {first[0], rest[0]}));
  ASSERT_OK_AND_ASSIGN(const Added again, copy->Add({}, {first[0], rest[0]}));
  EXPECT_EQ(again.known_requests, 2);
  ASSERT_OK_AND_ASSIGN(auto store, other.Open(this->retention_, &this->clock_));
  const NewJob replay = MakeJob("b", {.request_id = "r-b", .request_digest = "d"});
  EXPECT_THAT(store->Create({replay}, CreateLimits()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("deleted")));
  this->clock_.Advance(absl::Hours(25));
  ASSERT_OK(store->Expire());
  EXPECT_OK(store->Create({replay}, CreateLimits()));
}

// --- Repair ---------------------------------------------------------------

TYPED_TEST(ArchiveTest, WithoutItsCheckpointAJobBeginsAnew) {
  this->Fill();
  ASSERT_OK(
      this->archive_->Repair("resumed", JobRepair::kDropCheckpoint, "resumed/checkpoint-1-7"));
  const JobRecord job = this->Get("resumed");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.checkpoint.name, "");
  EXPECT_EQ(job.progress.step, 0);
  EXPECT_EQ(job.progress.num_steps, 50);
  EXPECT_EQ(job.input.name, "resumed/input");
  EXPECT_EQ(this->ClaimId(), "resumed");
}

TYPED_TEST(ArchiveTest, WithoutItsInputAJobFailsQueuedOrRunning) {
  this->Create("queued");
  this->Create("running");
  ASSERT_OK(this->store_->Cancel("queued"));
  ASSERT_OK(this->store_->Delete("queued"));
  const Claimed claimed = this->Claim();
  this->Create("queued");
  const int64_t before = this->Get("queued").sequence;
  for (const char* id : {"queued", "running"}) {
    ASSERT_OK(this->archive_->Repair(id, JobRepair::kLoseInput, absl::StrCat(id, "/input")));
    const JobRecord job = this->Get(id);
    EXPECT_EQ(job.state, JobState::kFailed) << id;
    ASSERT_TRUE(job.failure.has_value());
    EXPECT_EQ(job.failure->reason, "DATA_LOSS");
    EXPECT_EQ(job.failure->code, absl::StatusCode::kDataLoss);
    EXPECT_EQ(job.end_time, this->clock_.Now());
    EXPECT_EQ(job.expire_time, this->clock_.Now() + absl::Hours(7 * 24));
  }
  EXPECT_GT(this->Get("queued").sequence, before);
  EXPECT_GT(this->Get("running").sequence, claimed.job.sequence + 1000);
  EXPECT_THAT(this->store_->Finish(claimed.lease, this->End(JobEvent::kSucceed)), IsLeaseLost());
  EXPECT_EQ(this->Get("queued").input.name, "");
  EXPECT_THAT(this->archive_->Repair("queued", JobRepair::kLoseInput, ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("queued")));
}

TYPED_TEST(ArchiveTest, OnlyAnEndedJobsInputIsForgotten) {
  this->Fill();
  ASSERT_OK(this->archive_->Repair("succeeded", JobRepair::kForgetInput, "succeeded/input"));
  EXPECT_EQ(this->Get("succeeded").input.name, "");
  EXPECT_EQ(this->Get("succeeded").result.name, "succeeded/result-1");
  EXPECT_THAT(this->archive_->Repair("queued", JobRepair::kForgetInput, "queued/input"),
              StatusIs(absl::StatusCode::kFailedPrecondition, _));
}

TYPED_TEST(ArchiveTest, AForgottenResultLeavesAllElse) {
  this->Fill();
  const JobRecord before = this->Get("succeeded");
  ASSERT_OK(this->archive_->Repair("succeeded", JobRepair::kForgetResult, "succeeded/result-1"));
  const JobRecord job = this->Get("succeeded");
  EXPECT_EQ(job.result.name, "");
  EXPECT_EQ(job.result.size, 0);
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.outcome, before.outcome);
  EXPECT_EQ(job.expire_time, before.expire_time);
  EXPECT_THAT(this->archive_->Repair("queued", JobRepair::kForgetResult, ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, _));
  EXPECT_THAT(this->archive_->Repair("none", JobRepair::kForgetResult, ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

// The job may have gone on since it was looked at.
TYPED_TEST(ArchiveTest, OnlyTheBlobThatWasLostIsLetGo) {
  this->Fill();
  const auto is_refused =
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not its blob any more"));
  const auto repair = [&](const std::string& id, JobRepair repair) {
    return this->archive_->Repair(id, repair, id + "/another");
  };
  EXPECT_THAT(repair("resumed", JobRepair::kDropCheckpoint), is_refused);
  EXPECT_THAT(repair("resumed", JobRepair::kLoseInput), is_refused);
  EXPECT_THAT(repair("succeeded", JobRepair::kForgetInput), is_refused);
  EXPECT_THAT(repair("succeeded", JobRepair::kForgetResult), is_refused);
  EXPECT_EQ(this->Get("resumed").checkpoint.name, "resumed/checkpoint-1-7");
  EXPECT_EQ(this->Get("succeeded").result.name, "succeeded/result-1");
}

// --- Opening --------------------------------------------------------------

TYPED_TEST(ArchiveTest, WhatIsNotThereIsNotMade) {
  TypeParam other;
  for (int time = 0; time < 2; ++time) {
    EXPECT_THAT(other.OpenArchive(ArchiveUse::kExisting, &this->clock_),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("there is no queue")));
  }
  EXPECT_OK(other.OpenArchive(ArchiveUse::kMake, &this->clock_));
  EXPECT_OK(other.OpenArchive(ArchiveUse::kExisting, &this->clock_));
}

class PostgresArchiveTest : public ::testing::Test {
 protected:
  PostgresArchiveTest() {
    EXPECT_OK(CheckPostgresUnused(stores_.Options())) << "there is no queue yet";
    auto store = stores_.Open(RetentionPolicy(), nullptr);
    EXPECT_OK(store);
    store_ = *std::move(store);
    EXPECT_OK(CheckPostgresUnused(stores_.Options()));
  }
  static auto IsUsed(const std::string& how) {
    return StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(how));
  }

  PostgresStores stores_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(PostgresArchiveTest, ServersAreKnownAsLongAsTheyAreRegistered) {
  ServerRecord server;
  server.name = "gpu-1";
  server.instance = 7;
  ASSERT_OK(store_->Register(server, {.lease = absl::Seconds(1000)}));
  EXPECT_THAT(CheckPostgresUnused(stores_.Options()), IsUsed("server gpu-1 uses the queue"));
  server.address = "gpu-1.lab:7433";
  ASSERT_OK(store_->Register(server, {.lease = absl::Seconds(1000)}));
  EXPECT_THAT(CheckPostgresUnused(stores_.Options()), IsUsed("server gpu-1 at gpu-1.lab:7433"));
  EXPECT_THAT(CheckPostgresUnused(stores_.Options()), IsUsed("its lease ends in "));
  ASSERT_OK(store_->Unregister(server));
  EXPECT_OK(CheckPostgresUnused(stores_.Options()));
  ASSERT_OK(store_->Register(server, {.lease = -absl::Seconds(1)}));
  EXPECT_OK(CheckPostgresUnused(stores_.Options())) << "its lease has run out";
}

TEST_F(PostgresArchiveTest, ServersAreKnownByTheLeasesOfTheirJobs) {
  ASSERT_OK(store_->Create({MakeJob("job-1")}, CreateLimits()));
  ASSERT_OK_AND_ASSIGN(const auto claimed,
                       store_->Claim({"server", "cpu", {"m"}, 1000, absl::Seconds(1000)}));
  ASSERT_TRUE(claimed.has_value());
  EXPECT_THAT(CheckPostgresUnused(stores_.Options()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       ::testing::ContainsRegex("1 jobs are run.*ends in (1000|9[0-9][0-9]) s")));
  ASSERT_OK(store_->Release(claimed->lease, claimed->job.sequence));
  EXPECT_OK(CheckPostgresUnused(stores_.Options()));
}

}  // namespace
}  // namespace tweedie
