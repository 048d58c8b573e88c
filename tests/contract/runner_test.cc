// JobRunnerStore: Claim, and writes under a lease.
#include <limits>

#include "tests/contract/job_store_fixture.h"

namespace tweedie {
namespace {

using ::testing::_;

template <typename T>
class RunnerStoreTest : public JobStoreTest<T> {};
TYPED_TEST_SUITE(RunnerStoreTest, Stores, StoreName);

// --- Who goes first -------------------------------------------------------

TYPED_TEST(RunnerStoreTest, EmptyQueueHasNothingToClaim) {
  EXPECT_FALSE(this->TryClaim().has_value());
}

TYPED_TEST(RunnerStoreTest, EqualJobsGoInTheOrderOfCreation) {
  for (const char* id : {"a", "b", "c"}) this->Create(id);
  EXPECT_EQ(this->ClaimId(), "a");
  EXPECT_EQ(this->ClaimId(), "b");
  EXPECT_EQ(this->ClaimId(), "c");
  EXPECT_EQ(this->ClaimId(), "");
}

TYPED_TEST(RunnerStoreTest, ClaimPrefersInteractive) {
  this->Create("batch", {.priority = JobPriority::kBatch});
  this->clock_.Advance(absl::Minutes(1));
  this->Create("normal", {.priority = JobPriority::kNormal});
  this->clock_.Advance(absl::Minutes(1));
  this->Create("interactive", {.priority = JobPriority::kInteractive});
  EXPECT_EQ(this->ClaimId(), "interactive");
  EXPECT_EQ(this->ClaimId(), "normal");
  EXPECT_EQ(this->ClaimId(), "batch");
}

TYPED_TEST(RunnerStoreTest, AgedBatchJobGoesBeforeFreshInteractive) {
  this->Create("batch", {.priority = JobPriority::kBatch});
  this->clock_.Advance(absl::Minutes(59));
  this->Create("early", {.priority = JobPriority::kInteractive});
  this->clock_.Advance(absl::Minutes(2));
  this->Create("late", {.priority = JobPriority::kInteractive});
  EXPECT_EQ(this->ClaimId(), "early");
  EXPECT_EQ(this->ClaimId(), "batch");
  EXPECT_EQ(this->ClaimId(), "late");
}

TYPED_TEST(RunnerStoreTest, AgedBatchJobGoesBeforeFreshNormal) {
  this->Create("batch", {.priority = JobPriority::kBatch});
  this->clock_.Advance(absl::Minutes(11));
  this->Create("normal", {.priority = JobPriority::kNormal});
  EXPECT_EQ(this->ClaimId(), "batch");
}

TYPED_TEST(RunnerStoreTest, CreatorsShareFairly) {
  for (const char* id : {"ada-1", "ada-2", "ada-3"}) this->Create(id);
  this->clock_.Advance(absl::Seconds(30));
  for (const char* id : {"bob-1", "bob-2"}) this->Create(id, {.creator = "bob"});
  EXPECT_EQ(this->ClaimId(), "ada-1");  // none runs: by age
  EXPECT_EQ(this->ClaimId(), "bob-1");  // ada has one running: a minute back
  EXPECT_EQ(this->ClaimId(), "ada-2");  // both have one
  EXPECT_EQ(this->ClaimId(), "bob-2");
  EXPECT_EQ(this->ClaimId(), "ada-3");
}

TYPED_TEST(RunnerStoreTest, EndedJobsNoLongerCountAgainstTheirCreator) {
  for (const char* id : {"ada-1", "ada-2"}) this->Create(id);
  this->clock_.Advance(absl::Seconds(30));
  this->Create("bob-1", {.creator = "bob"});
  this->Finish(this->Claim().lease, JobEvent::kSucceed);
  EXPECT_EQ(this->ClaimId(), "ada-2");
}

TYPED_TEST(RunnerStoreTest, LargeJobIsNotOvertaken) {
  this->Create("large", {.cost_bytes = 1001});
  this->Create("small", {.cost_bytes = 1});
  EXPECT_FALSE(this->TryClaim().has_value());
  EXPECT_EQ(this->Get("large").state, JobState::kQueued);
  ClaimRequest request = this->Request();
  request.max_cost_bytes = 1001;
  EXPECT_EQ(this->ClaimId(request), "large");
  EXPECT_EQ(this->ClaimId(), "small");
}

TYPED_TEST(RunnerStoreTest, JobBeyondTheServersMeansIsLeftToOthersAndHoldsUpNone) {
  this->Create("large", {.cost_bytes = 1001});
  this->Create("small", {.cost_bytes = 1000});
  ClaimRequest request = this->Request();
  request.most_cost_bytes = 1000;
  EXPECT_EQ(this->ClaimId(request), "small");
  EXPECT_EQ(this->ClaimId(request), "");
  request.most_cost_bytes = request.max_cost_bytes = 1001;
  EXPECT_EQ(this->ClaimId(request), "large");
}

TYPED_TEST(RunnerStoreTest, OnlyModelsOfTheServerAreConsidered) {
  this->Create("other", {.model = "n", .cost_bytes = 5000});
  this->Create("ours");
  ClaimRequest request = this->Request();
  request.models = {};
  EXPECT_EQ(this->ClaimId(request), "");
  request.models = {"k", "m"};
  EXPECT_EQ(this->ClaimId(request), "ours");
  EXPECT_EQ(this->ClaimId(request), "");
}

TYPED_TEST(RunnerStoreTest, JobsToPassOverDoNotHoldUpOthers) {
  for (const char* id : {"a", "b", "c"}) this->Create(id, {.cost_bytes = 1000});
  ClaimRequest request = this->Request();
  request.except = {"a", "c", "never-heard-of"};
  EXPECT_EQ(this->ClaimId(request), "b");
  EXPECT_EQ(this->ClaimId(request), "");
  EXPECT_EQ(this->ClaimId(), "a");
}

// --- Claim ----------------------------------------------------------------

TYPED_TEST(RunnerStoreTest, ClaimBeginsAnAttempt) {
  this->Create("job-1", {.labels = {{"a", "1"}}});
  this->clock_.Advance(absl::Seconds(7));
  const Claimed claimed = this->Claim();
  EXPECT_EQ(claimed.lease.job_id, "job-1");
  EXPECT_EQ(claimed.lease.attempt, 1);
  for (const JobRecord& job : {claimed.job, this->Get("job-1")}) {
    EXPECT_EQ(job.state, JobState::kRunning);
    EXPECT_EQ(job.attempt, 1);
    EXPECT_EQ(job.crashes, 1);
    EXPECT_EQ(job.sequence, int64_t{1} << 32);
    EXPECT_EQ(job.server, "server-1");
    EXPECT_EQ(job.device, "cpu");
    EXPECT_EQ(job.start_time, this->clock_.Now());
    EXPECT_EQ(job.labels.at("a"), "1");
  }
}

TYPED_TEST(RunnerStoreTest, StartTimeIsOfTheFirstClaim) {
  this->Create("job-1");
  const absl::Time first = this->clock_.Now();
  ASSERT_OK(this->store_->Release(this->Claim().lease, 0));
  this->clock_.Advance(absl::Seconds(7));
  EXPECT_EQ(this->Claim().job.start_time, first);
}

TYPED_TEST(RunnerStoreTest, EachClaimHasATokenOfItsOwn) {
  this->Create("job-1");
  const Lease first = this->Claim().lease;
  ASSERT_OK(this->store_->Release(first, 0));
  EXPECT_NE(this->Claim().lease.token, first.token);
}

// --- The fence ------------------------------------------------------------

TYPED_TEST(RunnerStoreTest, StaleLeaseIsFenced) {
  this->Create("job-1");
  const Lease stale = this->Claim().lease;
  this->clock_.Advance(absl::Seconds(31));
  ASSERT_OK_AND_ASSIGN(const auto rescued, this->store_->Rescue(false));
  ASSERT_EQ(rescued.size(), 1u);
  const Claimed current = this->Claim();
  const JobRecord before = this->Get("job-1");

  ASSERT_OK_AND_ASSIGN(const auto beats,
                       this->store_->Heartbeat({stale, current.lease}, absl::Seconds(30)));
  EXPECT_FALSE(beats[0].held);
  EXPECT_TRUE(beats[1].held);
  EXPECT_THAT(this->store_->Checkpoint(stale, {9, 10, 1}, {"job-1/stale", 1, "x"}), IsLeaseLost());
  EXPECT_THAT(this->store_->Finish(stale, this->End(JobEvent::kSucceed)), IsLeaseLost());
  EXPECT_THAT(this->store_->Release(stale, 0), IsLeaseLost());

  const JobRecord after = this->Get("job-1");
  EXPECT_EQ(after.state, JobState::kRunning);
  EXPECT_EQ(after.sequence, before.sequence);
  EXPECT_EQ(after.checkpoint.name, "");
  EXPECT_EQ(after.progress.step, 0);
  EXPECT_EQ(this->Finish(current.lease, JobEvent::kSucceed).state, JobState::kSucceeded);
}

TYPED_TEST(RunnerStoreTest, WhoOutlivedItsLeaseTakesItsCrashBackAndNothingElse) {
  this->Create("job-1");
  const auto lose = [this] {
    const Lease lease = this->Claim().lease;
    this->clock_.Advance(absl::Seconds(31));
    EXPECT_OK(this->store_->Rescue(false));
    return lease;
  };
  const Lease first = lose();
  EXPECT_EQ(this->Get("job-1").crashes, 1);
  for (int i = 0; i < 2; ++i) {  // there is no more than one
    EXPECT_THAT(this->store_->Release(first, 0), IsLeaseLost());
    EXPECT_EQ(this->Get("job-1").crashes, 0);
    EXPECT_EQ(this->Get("job-1").state, JobState::kQueued);
  }
  const Lease second = lose();
  const Lease third = this->Claim().lease;
  EXPECT_EQ(this->Get("job-1").crashes, 2);
  EXPECT_THAT(this->store_->Release(second, 0), IsLeaseLost());
  EXPECT_EQ(this->Get("job-1").crashes, 1);
  ASSERT_OK_AND_ASSIGN(const auto beats, this->store_->Heartbeat({third}, absl::Seconds(30)));
  EXPECT_TRUE(beats[0].held);
}

// Others may have claimed it and given it back in between.
TYPED_TEST(RunnerStoreTest, ReleasesInBetweenDoNotKeepACrashFromBeingTakenBack) {
  this->Create("job-1");
  const Lease lost = this->Claim().lease;
  this->clock_.Advance(absl::Seconds(31));
  ASSERT_OK(this->store_->Rescue(false));
  ASSERT_OK(this->store_->Release(this->Claim().lease, 0));
  this->Claim();
  ASSERT_EQ(this->Get("job-1").crashes, 2);
  EXPECT_THAT(this->store_->Release(lost, 0), IsLeaseLost());
  EXPECT_EQ(this->Get("job-1").crashes, 1);
}

// Progress has forgiven it already, and the one that is counted is another.
TYPED_TEST(RunnerStoreTest, TheCrashOfTheAttemptThatRunsIsNotTakenBack) {
  this->Create("job-1");
  const Lease stale = this->Claim().lease;
  this->clock_.Advance(absl::Seconds(31));
  ASSERT_OK(this->store_->Rescue(false));
  const Lease current = this->Claim().lease;
  ASSERT_OK(this->store_->Checkpoint(current, {3, 10, 1}, {"job-1/a", 1, "x"}));
  ASSERT_EQ(this->Get("job-1").crashes, 1);
  EXPECT_THAT(this->store_->Release(stale, 0), IsLeaseLost());
  EXPECT_EQ(this->Get("job-1").crashes, 1);
}

TYPED_TEST(RunnerStoreTest, EachPartOfTheLeaseIsChecked) {
  this->Create("job-1");
  this->Create("job-2");
  const Lease lease = this->Claim().lease;
  Lease wrong = lease;
  wrong.token ^= uint64_t{1} << 63;
  EXPECT_THAT(this->store_->Release(wrong, 0), IsLeaseLost());
  wrong = lease;
  wrong.attempt = 2;
  EXPECT_THAT(this->store_->Release(wrong, 0), IsLeaseLost());
  wrong = lease;
  wrong.job_id = this->Claim().lease.job_id;
  EXPECT_THAT(this->store_->Release(wrong, 0), IsLeaseLost());
  EXPECT_EQ(this->Get(lease.job_id).crashes, 1);
  EXPECT_OK(this->store_->Release(lease, 0));
}

TYPED_TEST(RunnerStoreTest, NothingIsFinishedTwice) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  const JobRecord first = this->Finish(lease, JobEvent::kSucceed);
  EXPECT_THAT(this->store_->Finish(lease, this->End(JobEvent::kFail)), IsLeaseLost());
  EXPECT_THAT(this->store_->Checkpoint(lease, {9, 10, 1}, {"job-1/stale", 1, "x"}), IsLeaseLost());
  EXPECT_EQ(this->Get("job-1").state, JobState::kSucceeded);
  EXPECT_EQ(this->Get("job-1").sequence, first.sequence);
}

TYPED_TEST(RunnerStoreTest, FinishThatIsRepeatedReturnsTheEndThatItMade) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  JobEnd end = this->End(JobEvent::kSucceed);
  end.result = {"job-1/result-1", 77, "cc"};
  ASSERT_OK_AND_ASSIGN(const JobRecord first, this->store_->Finish(lease, end));
  this->clock_.Advance(absl::Seconds(1));
  ASSERT_OK_AND_ASSIGN(const JobRecord again, this->store_->Finish(lease, end));
  EXPECT_EQ(again.state, JobState::kSucceeded);
  EXPECT_EQ(again.sequence, first.sequence);
  EXPECT_EQ(again.end_time, first.end_time);
  EXPECT_EQ(again.result.name, "job-1/result-1");
}

TYPED_TEST(RunnerStoreTest, EndOfAnotherAttemptIsNotTakenForARepeatedOne) {
  this->Create("job-1");
  const Lease stale = this->Claim().lease;
  ASSERT_OK(this->store_->Rescue(true));
  this->Finish(this->Claim().lease, JobEvent::kFail);
  EXPECT_THAT(this->store_->Finish(stale, this->End(JobEvent::kFail)), IsLeaseLost());
}

TYPED_TEST(RunnerStoreTest, LeaseOfADeletedJobIsLost) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  this->Finish(lease, JobEvent::kSucceed);
  ASSERT_OK(this->store_->Delete("job-1"));
  EXPECT_THAT(this->store_->Checkpoint(lease, {9, 10, 1}, {"job-1/stale", 1, "x"}), IsLeaseLost());
  EXPECT_THAT(this->store_->Finish(lease, this->End(JobEvent::kSucceed)), IsLeaseLost());
}

// --- Heartbeat ------------------------------------------------------------

TYPED_TEST(RunnerStoreTest, HeartbeatKeepsTheLease) {
  this->Create("job-1");
  this->Create("job-2");
  const Lease kept = this->Claim().lease;
  const Lease left = this->Claim().lease;
  this->clock_.Advance(absl::Seconds(29));
  ASSERT_OK_AND_ASSIGN(const auto beats, this->store_->Heartbeat({kept}, absl::Seconds(30)));
  ASSERT_EQ(beats.size(), 1u);
  EXPECT_TRUE(beats[0].held);
  EXPECT_FALSE(beats[0].cancel_requested);
  this->clock_.Advance(absl::Seconds(1));
  ASSERT_OK_AND_ASSIGN(const auto rescued, this->store_->Rescue(false));
  EXPECT_THAT(rescued, ::testing::ElementsAre(HasId(left.job_id)));
}

TYPED_TEST(RunnerStoreTest, HeartbeatOfNothingIsOk) {
  ASSERT_OK_AND_ASSIGN(const auto beats, this->store_->Heartbeat({}, absl::Seconds(30)));
  EXPECT_TRUE(beats.empty());
}

// --- Checkpoint -----------------------------------------------------------

TYPED_TEST(RunnerStoreTest, CheckpointReturnsTheBlobThatItReplaces) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  ASSERT_OK_AND_ASSIGN(BlobRef replaced,
                       this->store_->Checkpoint(lease, {10, 50, 800}, {"job-1/c1", 5, "aa"}));
  EXPECT_EQ(replaced.name, "");
  ASSERT_OK_AND_ASSIGN(replaced,
                       this->store_->Checkpoint(lease, {20, 50, 600}, {"job-1/c2", 6, "bb"}));
  EXPECT_EQ(replaced.name, "job-1/c1");
  EXPECT_EQ(replaced.size, 5);
  EXPECT_EQ(replaced.sha256, "aa");
  const JobRecord job = this->Get("job-1");
  EXPECT_EQ(job.state, JobState::kRunning);
  EXPECT_EQ(job.checkpoint.name, "job-1/c2");
  EXPECT_EQ(job.checkpoint.size, 6);
  EXPECT_EQ(job.checkpoint.sha256, "bb");
  EXPECT_EQ(job.progress.step, 20);
  EXPECT_EQ(job.progress.num_steps, 50);
  EXPECT_EQ(job.progress.timestep, 600);
}

// Its file would otherwise count as live until the job expires.
TYPED_TEST(RunnerStoreTest, EndedJobHasNoCheckpoint) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  ASSERT_OK(this->store_->Checkpoint(lease, {10, 50, 800}, {"job-1/c1", 5, "aa"}));
  EXPECT_EQ(this->Finish(lease, JobEvent::kSucceed).checkpoint.name, "");
  EXPECT_EQ(this->Get("job-1").checkpoint.name, "");
}

TYPED_TEST(RunnerStoreTest, NextAttemptFindsTheCheckpoint) {
  this->Create("job-1");
  ASSERT_OK(this->store_->Checkpoint(this->Claim().lease, {10, 50, 800}, {"job-1/c1", 5, "aa"}));
  ASSERT_OK(this->store_->Rescue(true));
  const JobRecord job = this->Claim().job;
  EXPECT_EQ(job.attempt, 2);
  EXPECT_EQ(job.checkpoint.name, "job-1/c1");
  EXPECT_EQ(job.progress.step, 10);
}

TYPED_TEST(RunnerStoreTest, CrashesCountUntilACheckpointGoesBeyondAll) {
  this->Create("job-1");
  ASSERT_OK(this->store_->Checkpoint(this->Claim().lease, {10, 50, 0}, {"job-1/c", 5, "aa"}));
  ASSERT_OK(this->store_->Rescue(true));
  ASSERT_OK(this->store_->Checkpoint(this->Claim().lease, {5, 50, 0}, {"job-1/c", 5, "aa"}));
  ASSERT_OK(this->store_->Rescue(true));
  const Lease lease = this->Claim().lease;
  ASSERT_OK(this->store_->Checkpoint(lease, {10, 50, 0}, {"job-1/c", 5, "aa"}));
  EXPECT_EQ(this->Get("job-1").crashes, 3) << "no step is new";
  ASSERT_OK(this->store_->Checkpoint(lease, {11, 50, 0}, {"job-1/c", 5, "aa"}));
  EXPECT_EQ(this->Get("job-1").crashes, 1);
}

// --- Finish and Release ---------------------------------------------------

TYPED_TEST(RunnerStoreTest, FinishRecordsTheEnd) {
  this->Create("job-1");
  const Claimed claimed = this->Claim();
  this->clock_.Advance(absl::Seconds(9));
  JobEnd end;
  end.progress = {50, 50, 0};
  end.result = {"job-1/result-1", 77, "cc"};
  end.outcome = std::string("\0metrics", 8);
  end.last_sequence = claimed.job.sequence + 12;
  ASSERT_OK_AND_ASSIGN(const JobRecord finished, this->store_->Finish(claimed.lease, end));
  for (const JobRecord& job : {finished, this->Get("job-1")}) {
    EXPECT_EQ(job.state, JobState::kSucceeded);
    EXPECT_EQ(job.sequence, claimed.job.sequence + 13);
    EXPECT_EQ(job.crashes, 0);
    EXPECT_EQ(job.attempt, 1);
    EXPECT_EQ(job.progress.step, 50);
    EXPECT_EQ(job.result.name, "job-1/result-1");
    EXPECT_EQ(job.result.size, 77);
    EXPECT_EQ(job.result.sha256, "cc");
    EXPECT_EQ(job.outcome, end.outcome);
    EXPECT_FALSE(job.failure.has_value());
    EXPECT_EQ(job.server, "server-1");
    EXPECT_EQ(job.end_time, this->clock_.Now());
    EXPECT_EQ(job.expire_time, this->clock_.Now() + absl::Hours(24));
  }
}

TYPED_TEST(RunnerStoreTest, FailedJobSaysWhyAndIsKeptLonger) {
  this->Create("job-1");
  JobEnd end = this->End(JobEvent::kFail);
  end.failure = JobFailure{absl::StatusCode::kInternal, "x is not finite", "DIVERGED"};
  ASSERT_OK(this->store_->Finish(this->Claim().lease, end));
  const JobRecord job = this->Get("job-1");
  EXPECT_EQ(job.state, JobState::kFailed);
  ASSERT_TRUE(job.failure.has_value());
  EXPECT_EQ(job.failure->code, absl::StatusCode::kInternal);
  EXPECT_EQ(job.failure->message, "x is not finite");
  EXPECT_EQ(job.failure->reason, "DIVERGED");
  EXPECT_EQ(job.expire_time, this->clock_.Now() + absl::Hours(7 * 24));
}

TYPED_TEST(RunnerStoreTest, EndMustBeAnEnd) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  for (const JobEvent event : {JobEvent::kClaim, JobEvent::kRelease, JobEvent::kRescue}) {
    EXPECT_THAT(this->store_->Finish(lease, this->End(event)),
                StatusIs(absl::StatusCode::kInvalidArgument, _));
  }
  JobEnd silent = this->End(JobEvent::kFail);
  silent.failure.reset();
  EXPECT_THAT(this->store_->Finish(lease, silent), StatusIs(absl::StatusCode::kInvalidArgument, _));
  EXPECT_EQ(this->Get("job-1").state, JobState::kRunning);
}

TYPED_TEST(RunnerStoreTest, ReleaseGivesTheJobBackWithoutACrash) {
  this->Create("job-1");
  const Claimed claimed = this->Claim();
  ASSERT_OK_AND_ASSIGN(const JobRecord job,
                       this->store_->Release(claimed.lease, claimed.job.sequence + 5));
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.crashes, 0);
  EXPECT_EQ(job.attempt, 1);
  EXPECT_EQ(job.sequence, claimed.job.sequence + 6);
  EXPECT_EQ(job.end_time, absl::InfinitePast());
  EXPECT_EQ(this->ClaimId(), "job-1");
}

TYPED_TEST(RunnerStoreTest, ReleaseOfACancelledJobEndsIt) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  ASSERT_OK(this->store_->Cancel("job-1"));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, this->store_->Release(lease, 0));
  EXPECT_EQ(job.state, JobState::kCancelled);
  EXPECT_EQ(job.end_time, this->clock_.Now());
  EXPECT_EQ(job.expire_time, this->clock_.Now() + this->retention_.succeeded);
  EXPECT_FALSE(this->TryClaim().has_value());
}

// --- Sequences ------------------------------------------------------------

TYPED_TEST(RunnerStoreTest, SequencesAscendOverRescue) {
  this->Create("job-1");
  std::vector<int64_t> sequences = {this->Get("job-1").sequence};
  const Claimed first = this->Claim();
  sequences.push_back(first.job.sequence);
  sequences.push_back(first.job.sequence + 0x7ffffffe);  // what it may have published
  ASSERT_OK_AND_ASSIGN(const auto rescued, this->store_->Rescue(true));
  sequences.push_back(rescued.at(0).sequence);
  const Claimed second = this->Claim();
  sequences.push_back(second.job.sequence);
  ASSERT_OK_AND_ASSIGN(JobRecord job, this->store_->Release(second.lease, sequences.back() + 4));
  sequences.push_back(second.job.sequence + 4);
  sequences.push_back(job.sequence);
  ASSERT_OK_AND_ASSIGN(job, this->store_->Cancel("job-1"));
  sequences.push_back(job.sequence);
  for (size_t i = 1; i < sequences.size(); ++i) EXPECT_LT(sequences[i - 1], sequences[i]) << i;
  EXPECT_EQ(rescued[0].sequence, (int64_t{1} << 32) | 0x80000000);
  EXPECT_EQ(second.job.sequence, int64_t{2} << 32);
}

TYPED_TEST(RunnerStoreTest, EndIsBeyondWhatWasPublishedAndWhatIsStored) {
  this->Create("job-1");
  const Claimed claimed = this->Claim();
  EXPECT_EQ(this->Finish(claimed.lease, JobEvent::kSucceed).sequence, claimed.job.sequence + 1);
}

TYPED_TEST(RunnerStoreTest, SequenceOfAnotherAttemptIsRefused) {
  this->Create("job-1");
  const Lease lease = this->Claim().lease;
  for (const int64_t sequence : {int64_t{-1}, (int64_t{1} << 32) | 0x80000000, int64_t{2} << 32,
                                 std::numeric_limits<int64_t>::max()}) {
    EXPECT_THAT(this->store_->Release(lease, sequence),
                StatusIs(absl::StatusCode::kInvalidArgument, _));
    EXPECT_THAT(this->store_->Finish(lease, this->End(JobEvent::kSucceed, sequence)),
                StatusIs(absl::StatusCode::kInvalidArgument, _));
  }
}

}  // namespace
}  // namespace tweedie
