// JobUpkeep: Rescue, Expire, Count, QueuePosition, LiveBlobs; and reopening.
#include <algorithm>

#include "tests/contract/job_store_fixture.h"

namespace tweedie {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

template <typename T>
class UpkeepTest : public JobStoreTest<T> {
 protected:
  std::vector<std::string> ExpireIds() {
    auto expired = this->store_->Expire();
    EXPECT_OK(expired);
    std::vector<std::string> ids;
    if (!expired.ok()) return ids;
    for (const JobRecord& job : *expired) ids.push_back(job.id);
    return ids;
  }
  int64_t Position(const std::string& id) {
    auto position = this->store_->QueuePosition(id);
    EXPECT_OK(position);
    return position.value_or(-1);
  }
};
TYPED_TEST_SUITE(UpkeepTest, Stores, StoreName);

// --- Rescue ---------------------------------------------------------------

TYPED_TEST(UpkeepTest, RescueTakesBackOnlyLeasesThatRanOut) {
  this->Create("job-1");
  this->Claim();
  this->clock_.Advance(absl::Seconds(30) - absl::Microseconds(1));
  ASSERT_OK_AND_ASSIGN(auto rescued, this->store_->Rescue(false));
  EXPECT_THAT(rescued, IsEmpty());
  this->clock_.Advance(absl::Microseconds(1));
  ASSERT_OK_AND_ASSIGN(rescued, this->store_->Rescue(false));
  ASSERT_THAT(rescued, ElementsAre(HasId("job-1")));
  EXPECT_EQ(rescued[0].state, JobState::kQueued);
  EXPECT_EQ(rescued[0].crashes, 1);
  EXPECT_EQ(this->Claim().job.crashes, 2);
}

TYPED_TEST(UpkeepTest, RescueOfAllIgnoresLeases) {
  for (const char* id : {"a", "b", "c"}) this->Create(id);
  this->Claim();
  this->Claim();
  ASSERT_OK_AND_ASSIGN(const auto rescued, this->store_->Rescue(true));
  EXPECT_THAT(rescued, UnorderedElementsAre(HasId("a"), HasId("b")));
}

TYPED_TEST(UpkeepTest, RescueOfACancelledJobEndsIt) {
  this->Create("job-1");
  this->Claim();
  ASSERT_OK(this->store_->Cancel("job-1"));
  ASSERT_OK_AND_ASSIGN(const auto rescued, this->store_->Rescue(true));
  ASSERT_EQ(rescued.size(), 1u);
  EXPECT_EQ(rescued[0].state, JobState::kCancelled);
  EXPECT_EQ(rescued[0].end_time, this->clock_.Now());
  EXPECT_EQ(rescued[0].expire_time, this->clock_.Now() + this->retention_.succeeded);
  EXPECT_FALSE(this->TryClaim().has_value());
}

// --- Expire ---------------------------------------------------------------

TYPED_TEST(UpkeepTest, JobsExpireByHowTheyEnded) {
  this->CreateEnded("succeeded", JobEvent::kSucceed);
  this->CreateEnded("cancelled", JobEvent::kCancel);
  this->CreateEnded("failed", JobEvent::kFail);
  this->Create("running");
  this->Claim();
  this->Create("queued");
  this->clock_.Advance(absl::Hours(24) - absl::Microseconds(1));
  EXPECT_THAT(this->ExpireIds(), IsEmpty());
  this->clock_.Advance(absl::Microseconds(1));
  EXPECT_THAT(this->ExpireIds(), UnorderedElementsAre("succeeded", "cancelled"));
  EXPECT_THAT(this->store_->Get("succeeded"), StatusIs(absl::StatusCode::kNotFound, _));
  this->clock_.Advance(absl::Hours(6 * 24));
  EXPECT_THAT(this->ExpireIds(), ElementsAre("failed"));
  this->clock_.Advance(absl::Hours(1000 * 24));
  EXPECT_THAT(this->ExpireIds(), IsEmpty()) << "jobs that have not ended stay";
  EXPECT_THAT(this->ListIds({}), ElementsAre("queued", "running"));
}

TYPED_TEST(UpkeepTest, ExpireIsBounded) {
  this->retention_.max_per_pass = 2;
  this->Reopen();
  for (const char* id : {"a", "b", "c"}) {
    this->CreateEnded(id, JobEvent::kSucceed);
    this->clock_.Advance(absl::Seconds(1));
  }
  this->clock_.Advance(absl::Hours(25));
  EXPECT_THAT(this->ExpireIds(), ElementsAre("a", "b")) << "the oldest first";
  EXPECT_THAT(this->ExpireIds(), ElementsAre("c"));
  EXPECT_THAT(this->ExpireIds(), IsEmpty());
}

TYPED_TEST(UpkeepTest, BeyondTheBytesThoseThatEndedFirstGo) {
  this->retention_.max_bytes = 250;
  this->Reopen();
  // Those that fail are kept for longer, but go in their turn here.
  for (const char* id : {"a", "b", "c", "d"}) {
    this->Create(id, {.input_bytes = 40});
    const Lease lease = this->Claim().lease;
    JobEnd end = this->End(*id == 'a' ? JobEvent::kFail : JobEvent::kSucceed);
    end.result = {absl::StrCat(id, "/result-1"), 60, "aa"};
    ASSERT_OK(this->store_->Finish(lease, end));
    this->clock_.Advance(absl::Seconds(1));
  }
  this->Create("queued", {.input_bytes = 1000});  // only what has ended counts
  EXPECT_THAT(this->ExpireIds(), ElementsAre("a", "b"));
  EXPECT_THAT(this->ExpireIds(), IsEmpty());
  EXPECT_THAT(this->ListIds({}), ElementsAre("queued", "d", "c"));
}

TYPED_TEST(UpkeepTest, TheJobThatEndedLastStaysHoweverLarge) {
  this->retention_.max_bytes = 10;
  this->Reopen();
  this->Create("a", {.input_bytes = 11});
  ASSERT_OK(this->store_->Cancel("a"));
  EXPECT_THAT(this->ExpireIds(), IsEmpty());
  this->clock_.Advance(absl::Seconds(1));
  this->Create("b", {.input_bytes = 11});
  ASSERT_OK(this->store_->Cancel("b"));
  EXPECT_THAT(this->ExpireIds(), ElementsAre("a"));
}

TYPED_TEST(UpkeepTest, ExpiryByBytesIsBounded) {
  this->retention_.max_bytes = 7;
  this->retention_.max_per_pass = 2;
  this->Reopen();
  for (const char* id : {"a", "b", "c", "d"}) {
    this->Create(id);
    ASSERT_OK(this->store_->Cancel(id));
    this->clock_.Advance(absl::Seconds(1));
  }
  EXPECT_THAT(this->ExpireIds(), ElementsAre("a", "b"));
  EXPECT_THAT(this->ExpireIds(), ElementsAre("c"));
  EXPECT_THAT(this->ExpireIds(), IsEmpty());
}

TYPED_TEST(UpkeepTest, RequestIdOutlivesItsJob) {
  const NewJob job = MakeJob("job-1", {.request_id = "r", .request_digest = "d"});
  this->Create(job);
  ASSERT_OK(this->store_->Cancel("job-1"));
  ASSERT_OK(this->store_->Delete("job-1"));
  this->clock_.Advance(absl::Hours(24) - absl::Microseconds(1));
  this->ExpireIds();
  EXPECT_THAT(this->TryCreate(job), StatusIs(absl::StatusCode::kNotFound, _));
  this->clock_.Advance(absl::Microseconds(1));
  this->ExpireIds();
  EXPECT_OK(this->TryCreate(job));
}

TYPED_TEST(UpkeepTest, RequestIdStaysWhileItsJobDoes) {
  const NewJob job = MakeJob("job-1", {.request_id = "r", .request_digest = "d"});
  this->Create(job);
  this->clock_.Advance(absl::Hours(1000));
  this->ExpireIds();
  std::vector<bool> created;
  EXPECT_OK(this->store_->Create({job}, CreateLimits(), &created));
  EXPECT_THAT(created, ElementsAre(false));
}

TYPED_TEST(UpkeepTest, RequestIdsExpireInBoundedPasses) {
  this->retention_.max_per_pass = 2;
  this->Reopen();
  std::vector<NewJob> jobs;
  for (const char* id : {"a", "b", "c"}) {
    jobs.push_back(MakeJob(id, {.request_id = id, .request_digest = "d"}));
    this->Create(jobs.back());
    ASSERT_OK(this->store_->Cancel(id));
    ASSERT_OK(this->store_->Delete(id));
    this->clock_.Advance(absl::Seconds(1));
  }
  this->clock_.Advance(absl::Hours(25));
  this->ExpireIds();
  EXPECT_THAT(this->TryCreate(jobs[2]), StatusIs(absl::StatusCode::kNotFound, _));
  EXPECT_OK(this->TryCreate(jobs[0]));
  EXPECT_OK(this->TryCreate(jobs[1]));
}

// --- Figures --------------------------------------------------------------

TYPED_TEST(UpkeepTest, CountsEveryState) {
  ASSERT_OK_AND_ASSIGN(JobCounts counts, this->store_->Count());
  EXPECT_FALSE(counts.oldest_queued.has_value());
  EXPECT_EQ(counts.by_state.size(), 5u);
  this->CreateEnded("a", JobEvent::kFail);
  this->Create("b");
  this->Claim();
  this->clock_.Advance(absl::Seconds(5));
  const absl::Time oldest = this->clock_.Now();
  this->Create("c");
  this->clock_.Advance(absl::Seconds(5));
  this->Create("d");
  ASSERT_OK_AND_ASSIGN(counts, this->store_->Count());
  EXPECT_EQ(counts.by_state[JobState::kQueued], 2);
  EXPECT_EQ(counts.by_state[JobState::kRunning], 1);
  EXPECT_EQ(counts.by_state[JobState::kSucceeded], 0);
  EXPECT_EQ(counts.by_state[JobState::kFailed], 1);
  EXPECT_EQ(counts.by_state[JobState::kCancelled], 0);
  EXPECT_EQ(counts.oldest_queued, oldest);
}

TYPED_TEST(UpkeepTest, QueuePositionIsTheOrderOfClaims) {
  this->Create("ada-1");
  this->Create("batch", {.priority = JobPriority::kBatch});
  this->clock_.Advance(absl::Seconds(30));
  this->Create("ada-2");
  this->Create("bob-1", {.creator = "bob"});
  this->Create("interactive", {.priority = JobPriority::kInteractive});
  std::vector<std::string> ids = {"ada-1", "ada-2", "batch", "bob-1", "interactive"};
  // Each claim moves the creator's other jobs back; positions follow.
  while (!ids.empty()) {
    std::vector<int64_t> positions;
    std::string first;
    for (const std::string& id : ids) {
      positions.push_back(this->Position(id));
      if (positions.back() == 0) first = id;
    }
    std::sort(positions.begin(), positions.end());
    for (size_t i = 0; i < positions.size(); ++i) EXPECT_EQ(positions[i], i);
    ASSERT_EQ(this->ClaimId(), first);
    ids.erase(std::find(ids.begin(), ids.end(), first));
  }
}

TYPED_TEST(UpkeepTest, QueuePositionIsZeroIfNotQueued) {
  for (const char* id : {"a", "b"}) this->Create(id);
  EXPECT_EQ(this->Position("b"), 1);
  ASSERT_OK(this->store_->Cancel("b"));
  EXPECT_EQ(this->Position("b"), 0);
  EXPECT_EQ(this->Position("none"), 0);
}

TYPED_TEST(UpkeepTest, LiveBlobsAreThoseOfAllJobs) {
  NewJob bare = MakeJob("bare");
  bare.record.input = {};
  this->Create("job-1");
  this->Create(bare);
  const Lease lease = this->Claim().lease;
  ASSERT_OK(this->store_->Checkpoint(lease, {10, 50, 0}, {"job-1/c1", 5, "aa"}));
  ASSERT_OK(this->store_->Checkpoint(lease, {20, 50, 0}, {"job-1/c2", 5, "aa"}));
  ASSERT_OK_AND_ASSIGN(auto names, this->store_->LiveBlobs());
  EXPECT_THAT(names, UnorderedElementsAre("job-1/input", "job-1/c2"));
  JobEnd end;
  end.result = {"job-1/result-1", 5, "aa"};
  ASSERT_OK(this->store_->Finish(lease, end));
  ASSERT_OK_AND_ASSIGN(names, this->store_->LiveBlobs());
  EXPECT_THAT(names, UnorderedElementsAre("job-1/input", "job-1/result-1"));
  ASSERT_OK(this->store_->Delete("job-1"));
  ASSERT_OK_AND_ASSIGN(names, this->store_->LiveBlobs());
  EXPECT_THAT(names, IsEmpty());
}

// --- Durability -----------------------------------------------------------

TYPED_TEST(UpkeepTest, ReopenKeepsEverything) {
  const NewJob queued =
      MakeJob("queued", {.labels = {{"a", "1"}}, .request_id = "r", .request_digest = "d"});
  this->CreateEnded("failed", JobEvent::kFail);
  this->Create("running");
  const Lease lease = this->Claim().lease;
  this->Create(queued);
  this->Reopen();
  EXPECT_THAT(this->ListIds({}), ElementsAre("queued", "running", "failed"));
  EXPECT_EQ(this->Get("queued").spec, queued.record.spec);
  EXPECT_EQ(this->Get("queued").labels, queued.record.labels);
  EXPECT_EQ(this->Get("failed").failure->reason, "R");
  std::vector<bool> created;
  EXPECT_OK(this->store_->Create({queued}, CreateLimits(), &created));
  EXPECT_THAT(created, ElementsAre(false));
  EXPECT_EQ(this->Finish(lease, JobEvent::kSucceed).state, JobState::kSucceeded)
      << "a lease outlives the store's restart";
}

}  // namespace
}  // namespace tweedie
