// JobFrontDoor: Create, Get, List, Cancel, Delete.
#include "tests/contract/job_store_fixture.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename T>
class FrontDoorTest : public JobStoreTest<T> {};
TYPED_TEST_SUITE(FrontDoorTest, Stores, StoreName);

std::string PayloadOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kQuotaPayload);
  return payload.has_value() ? std::string(*payload) : "";
}

// --- Create and Get -------------------------------------------------------

TYPED_TEST(FrontDoorTest, CreatedJobIsReturnedAsGiven) {
  JobOptions options;
  options.priority = JobPriority::kInteractive;
  options.labels = {{"a", "1"}, {"b", ""}};
  const JobRecord given = MakeJob("job-1", options).record;
  const JobRecord made = this->Create("job-1", options);
  for (const JobRecord& job : {made, this->Get("job-1")}) {
    EXPECT_EQ(job.id, "job-1");
    EXPECT_EQ(job.model, given.model);
    EXPECT_EQ(job.creator, given.creator);
    EXPECT_EQ(job.priority, JobPriority::kInteractive);
    EXPECT_EQ(job.labels, given.labels);
    EXPECT_EQ(job.spec, given.spec);
    EXPECT_EQ(job.num_images, 4);
    EXPECT_EQ(job.cost_bytes, 100);
    EXPECT_EQ(job.input.name, "job-1/input");
    EXPECT_EQ(job.input.size, 7);
    EXPECT_EQ(job.input.sha256, "abc");
  }
}

TYPED_TEST(FrontDoorTest, CreatedJobIsQueuedUnderSequenceOne) {
  this->Create("job-1");
  const JobRecord job = this->Get("job-1");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.sequence, 1);
  EXPECT_EQ(job.attempt, 0);
  EXPECT_EQ(job.crashes, 0);
  EXPECT_FALSE(job.cancel_requested);
  EXPECT_FALSE(job.failure.has_value());
  EXPECT_EQ(job.checkpoint.name, "");
  EXPECT_EQ(job.create_time, this->clock_.Now());
  EXPECT_EQ(job.start_time, absl::InfinitePast());
  EXPECT_EQ(job.end_time, absl::InfinitePast());
  EXPECT_EQ(job.expire_time, absl::InfiniteFuture());
}

TYPED_TEST(FrontDoorTest, UnknownJobIsNotFound) {
  EXPECT_THAT(this->store_->Get("none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(this->store_->Cancel("none"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  EXPECT_THAT(this->store_->Delete("none"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
}

TYPED_TEST(FrontDoorTest, TakenIdIsRefused) {
  this->Create("job-1");
  const absl::Status status = this->TryCreate(MakeJob("job-1"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("job-1")));
  EXPECT_THAT(status, IsAbout("job_id"));
}

TYPED_TEST(FrontDoorTest, BatchIsAllOrNothing) {
  this->Create("taken");
  const auto refused =
      this->store_->Create({MakeJob("one"), MakeJob("taken"), MakeJob("two")}, CreateLimits());
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("taken")));
  EXPECT_THAT(refused, IsAbout("requests[1].job_id"));
  EXPECT_THAT(this->ListIds({}), ElementsAre("taken"));
  EXPECT_OK(this->store_->Create({MakeJob("one"), MakeJob("two")}, CreateLimits()));
  EXPECT_THAT(this->ListIds({}), ElementsAre("two", "one", "taken"));
}

TYPED_TEST(FrontDoorTest, RefusedBatchForgetsItsRequestIds) {
  this->Create("taken");
  const NewJob job = MakeJob("one", {.request_id = "r", .request_digest = "d"});
  EXPECT_FALSE(this->store_->Create({job, MakeJob("taken")}, CreateLimits()).ok());
  std::vector<bool> created;
  EXPECT_OK(this->store_->Create({job}, CreateLimits(), &created));
  EXPECT_THAT(created, ElementsAre(true));
}

TYPED_TEST(FrontDoorTest, IdsWithinABatchMustDiffer) {
  const auto same_id = this->store_->Create({MakeJob("one"), MakeJob("one")}, CreateLimits());
  EXPECT_THAT(same_id, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one")));
  EXPECT_THAT(same_id, IsAbout("requests[1].job_id"));
  const JobOptions options = {.request_id = "r", .request_digest = "d"};
  const auto same_request =
      this->store_->Create({MakeJob("one", options), MakeJob("two", options)}, CreateLimits());
  EXPECT_THAT(same_request, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("r")));
  EXPECT_THAT(same_request, IsAbout("requests[1].request_id"));
  EXPECT_THAT(this->ListIds({}), IsEmpty());
}

// --- Idempotency ----------------------------------------------------------

TYPED_TEST(FrontDoorTest, SameRequestIdReturnsSameJob) {
  const JobOptions options = {.request_id = "r", .request_digest = "d"};
  this->Create("first", options);
  this->Claim();
  std::vector<bool> created;
  auto again = this->store_->Create({MakeJob("second", options)}, CreateLimits(), &created);
  ASSERT_OK(again);
  EXPECT_THAT(*again, ElementsAre(HasId("first")));
  EXPECT_EQ(again->at(0).state, JobState::kRunning) << "the job as it is now";
  EXPECT_THAT(created, ElementsAre(false));
  EXPECT_THAT(this->ListIds({}), ElementsAre("first"));
}

TYPED_TEST(FrontDoorTest, RequestIdWithAnotherDigestIsRefused) {
  this->Create("first", {.request_id = "r", .request_digest = "d"});
  const absl::Status status =
      this->TryCreate(MakeJob("second", {.request_id = "r", .request_digest = "e"}));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("r")));
  EXPECT_THAT(status, IsAbout("request_id"));
}

TYPED_TEST(FrontDoorTest, ReplaySucceedsWhenTheQueueIsFull) {
  const NewJob job = MakeJob("first", {.request_id = "r", .request_digest = "d"});
  const CreateLimits limits = {.max_queued = 1, .max_queued_per_creator = 1};
  EXPECT_OK(this->TryCreate(job, limits));
  EXPECT_OK(this->TryCreate(job, limits));
  EXPECT_FALSE(this->TryCreate(MakeJob("second"), limits).ok());
}

TYPED_TEST(FrontDoorTest, ReplayOfADeletedJobIsNotFoundAlsoIfItsIdIsUsedAgain) {
  const NewJob job = MakeJob("first", {.request_id = "r", .request_digest = "d"});
  this->Create(job);
  ASSERT_OK(this->store_->Cancel("first"));
  ASSERT_OK(this->store_->Delete("first"));
  EXPECT_THAT(this->TryCreate(job), StatusIs(absl::StatusCode::kNotFound, HasSubstr("deleted")));
  this->Create("first");
  EXPECT_THAT(this->TryCreate(job), StatusIs(absl::StatusCode::kNotFound, HasSubstr("deleted")));
}

TYPED_TEST(FrontDoorTest, BatchMixesReplaysAndNewJobs) {
  const NewJob known = MakeJob("first", {.request_id = "r", .request_digest = "d"});
  this->Create(known);
  std::vector<bool> created;
  auto jobs = this->store_->Create({MakeJob("second"), known}, CreateLimits(), &created);
  ASSERT_OK(jobs);
  EXPECT_THAT(*jobs, ElementsAre(HasId("second"), HasId("first")));
  EXPECT_THAT(created, ElementsAre(true, false));
}

// --- Limits ---------------------------------------------------------------

TYPED_TEST(FrontDoorTest, FullQueueIsRefused) {
  const CreateLimits limits = {.max_queued = 2, .max_queued_per_creator = 10};
  EXPECT_OK(this->TryCreate(MakeJob("one"), limits));
  EXPECT_OK(this->TryCreate(MakeJob("two"), limits));
  const absl::Status status = this->TryCreate(MakeJob("three", {.creator = "bob"}), limits);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 2")));
  EXPECT_EQ(PayloadOf(status), "queue");
  this->Claim();  // running jobs do not count
  EXPECT_OK(this->TryCreate(MakeJob("three"), limits));
}

TYPED_TEST(FrontDoorTest, FullShareIsRefusedForItsCreatorAlone) {
  const CreateLimits limits = {.max_queued = 10, .max_queued_per_creator = 1};
  EXPECT_OK(this->TryCreate(MakeJob("one"), limits));
  const absl::Status status = this->TryCreate(MakeJob("two"), limits);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 1")));
  EXPECT_EQ(PayloadOf(status), "creator");
  EXPECT_OK(this->TryCreate(MakeJob("two", {.creator = "bob"}), limits));
}

TYPED_TEST(FrontDoorTest, BatchCountsAgainstTheLimits) {
  const std::vector<NewJob> jobs = {MakeJob("one"), MakeJob("two"), MakeJob("three")};
  EXPECT_EQ(PayloadOf(this->store_->Create(jobs, {2, 10}).status()), "queue");
  EXPECT_EQ(PayloadOf(this->store_->Create(jobs, {10, 2}).status()), "creator");
  EXPECT_THAT(this->ListIds({}), IsEmpty());
  EXPECT_OK(this->store_->Create(jobs, {3, 3}));
}

TYPED_TEST(FrontDoorTest, BytesOfQueuedInputsAreBounded) {
  const CreateLimits limits = {.max_queued_bytes = 100, .max_queued_bytes_per_creator = 0};
  EXPECT_OK(this->TryCreate(MakeJob("one", {.input_bytes = 60}), limits));
  const absl::Status status =
      this->TryCreate(MakeJob("two", {.creator = "bob", .input_bytes = 41}), limits);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 100")));
  EXPECT_EQ(PayloadOf(status), "queue_bytes");
  EXPECT_OK(this->TryCreate(MakeJob("two", {.creator = "bob", .input_bytes = 40}), limits));
  this->Claim();  // running jobs do not count
  EXPECT_OK(this->TryCreate(MakeJob("three", {.input_bytes = 60}), limits));
}

TYPED_TEST(FrontDoorTest, BytesOfOneCreatorsInputsAreBounded) {
  const CreateLimits limits = {.max_queued_bytes = 0, .max_queued_bytes_per_creator = 100};
  EXPECT_OK(this->TryCreate(MakeJob("one", {.input_bytes = 60}), limits));
  const absl::Status status = this->TryCreate(MakeJob("two", {.input_bytes = 41}), limits);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 100")));
  EXPECT_EQ(PayloadOf(status), "creator_bytes");
  EXPECT_OK(this->TryCreate(MakeJob("two", {.creator = "bob", .input_bytes = 100}), limits));
  const std::vector<NewJob> batch = {MakeJob("a", {.creator = "eve", .input_bytes = 60}),
                                     MakeJob("b", {.creator = "eve", .input_bytes = 60})};
  EXPECT_EQ(PayloadOf(this->TryCreate(batch[0], limits)), "") << "either fits alone";
  EXPECT_EQ(PayloadOf(this->TryCreate(batch[1], limits)), "creator_bytes");
}

// Trying again would not help.
TYPED_TEST(FrontDoorTest, InputThatNeverFitsIsNoFullQueue) {
  for (const CreateLimits& limits :
       {CreateLimits{.max_queued_bytes = 100}, CreateLimits{.max_queued_bytes_per_creator = 100}}) {
    EXPECT_THAT(this->TryCreate(MakeJob("one", {.input_bytes = 101}), limits),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("101 bytes")));
  }
}

TYPED_TEST(FrontDoorTest, ABatchThatNeverFitsIsNoFullQueue) {
  const auto batch = [](const std::string& creator) {
    return std::vector<NewJob>{
        MakeJob("a", {.request_id = "r", .request_digest = "d", .input_bytes = 60}),
        MakeJob("b", {.creator = creator, .input_bytes = 60})};
  };
  EXPECT_OK(this->TryCreate(MakeJob("first", {.input_bytes = 60}), CreateLimits()));
  const CreateLimits share = {.max_queued_bytes_per_creator = 100};
  EXPECT_THAT(this->store_->Create(batch("ada"), share),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("120 bytes")));
  EXPECT_EQ(PayloadOf(this->store_->Create(batch("bob"), share).status()), "creator_bytes");
  EXPECT_THAT(this->store_->Create(batch("bob"), {.max_queued_bytes = 100}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("120 bytes")));
  EXPECT_THAT(this->ListIds({}), ElementsAre("first"));
  this->Claim();
  // What is there already is not added.
  EXPECT_OK(this->TryCreate(batch("ada")[0], share));
  this->Claim();
  EXPECT_OK(this->store_->Create(batch("ada"), share));
}

// --- List -----------------------------------------------------------------

TYPED_TEST(FrontDoorTest, ListingIsNewestFirstInPages) {
  for (const char* id : {"a", "b", "c", "d", "e"}) this->Create(id);
  std::vector<std::string> ids;
  std::vector<size_t> sizes;
  std::optional<PageCursor> after;
  do {
    ASSERT_OK_AND_ASSIGN(const JobPage page, this->store_->List({}, 2, after));
    for (const JobRecord& job : page.jobs) ids.push_back(job.id);
    sizes.push_back(page.jobs.size());
    after = page.next;
  } while (after.has_value());
  EXPECT_THAT(ids, ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_THAT(sizes, ElementsAre(2, 2, 1));
}

TYPED_TEST(FrontDoorTest, LastPageThatIsFullHasNoNext) {
  this->Create("a");
  this->Create("b");
  ASSERT_OK_AND_ASSIGN(const JobPage page, this->store_->List({}, 2, std::nullopt));
  EXPECT_FALSE(page.next.has_value());
}

TYPED_TEST(FrontDoorTest, ListingIsStableUnderInsertsAndDeletes) {
  for (const char* id : {"a", "b", "c", "d"}) this->Create(id);
  ASSERT_OK_AND_ASSIGN(const JobPage first, this->store_->List({}, 2, std::nullopt));
  // The page's last job and the newest go; a new one must not take its place.
  for (const char* id : {"c", "d"}) {
    ASSERT_OK(this->store_->Cancel(id));
    ASSERT_OK(this->store_->Delete(id));
  }
  this->Create("e");
  ASSERT_OK_AND_ASSIGN(const JobPage second, this->store_->List({}, 2, first.next));
  EXPECT_THAT(second.jobs, ElementsAre(HasId("b"), HasId("a")));
  EXPECT_THAT(this->ListIds({}), ElementsAre("e", "b", "a"));
}

TYPED_TEST(FrontDoorTest, FiltersCombine) {
  this->Create("a", {.creator = "ada", .labels = {{"set", "x"}, {"run", "1"}}});
  this->Create("b", {.creator = "ada", .labels = {{"set", "x"}, {"run", "2"}}});
  this->Create("c", {.creator = "bob", .labels = {{"set", "x"}, {"run", "1"}}});
  this->Create("d", {.creator = "ada", .model = "n", .labels = {{"set", "xx"}, {"run", "1"}}});
  ASSERT_OK(this->store_->Cancel("b"));
  const auto queued = JobState::kQueued;
  EXPECT_THAT(this->ListIds({.labels = {{"set", "x"}}}), ElementsAre("c", "b", "a"));
  EXPECT_THAT(this->ListIds({.labels = {{"set", "x"}, {"run", "1"}}}), ElementsAre("c", "a"));
  EXPECT_THAT(this->ListIds({.creator = "ada"}), ElementsAre("d", "b", "a"));
  EXPECT_THAT(this->ListIds({.model = "n"}), ElementsAre("d"));
  EXPECT_THAT(this->ListIds({.states = {queued}, .creator = "ada"}), ElementsAre("d", "a"));
  EXPECT_THAT(this->ListIds({.states = {queued, JobState::kCancelled}, .model = "m"}),
              ElementsAre("c", "b", "a"));
  EXPECT_THAT(
      this->ListIds({.states = {queued}, .labels = {{"set", "x"}}, .creator = "ada", .model = "m"}),
      ElementsAre("a"));
  EXPECT_THAT(this->ListIds({.labels = {{"SET", "x"}}}), IsEmpty()) << "exact, not by likeness";
  EXPECT_THAT(this->ListIds({.creator = "' OR 1 --"}), IsEmpty());
}

TYPED_TEST(FrontDoorTest, FilteredListingPages) {
  for (int i = 0; i < 9; ++i) {
    this->Create(absl::StrCat("job-", i), {.labels = {{"odd", i % 2 == 1 ? "yes" : "no"}}});
  }
  const JobQuery query = {.labels = {{"odd", "yes"}}};
  ASSERT_OK_AND_ASSIGN(const JobPage first, this->store_->List(query, 3, std::nullopt));
  EXPECT_THAT(first.jobs, ElementsAre(HasId("job-7"), HasId("job-5"), HasId("job-3")));
  ASSERT_TRUE(first.next.has_value());
  ASSERT_OK_AND_ASSIGN(const JobPage second, this->store_->List(query, 3, first.next));
  EXPECT_THAT(second.jobs, ElementsAre(HasId("job-1")));
  EXPECT_FALSE(second.next.has_value());
}

TYPED_TEST(FrontDoorTest, PageSizeMustBePositive) {
  EXPECT_THAT(this->store_->List({}, 0, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_size")));
}

// --- CheckRoom ------------------------------------------------------------

TYPED_TEST(FrontDoorTest, RoomIsCheckedAsCreateWouldFindIt) {
  CreateLimits limits;
  limits.max_queued = 3;
  limits.max_queued_per_creator = 2;
  const NewJob ada = MakeJob("new-1", {.request_id = "r-new"});
  const NewJob bob = MakeJob("new-2", {.creator = "bob"});
  this->Create("job-1", {.request_id = "r-1", .request_digest = "d"});
  EXPECT_OK(this->store_->CheckRoom({ada}, limits));
  EXPECT_EQ(PayloadOf(this->store_->CheckRoom({ada, ada}, limits)), "creator");
  this->Create("job-2");
  EXPECT_EQ(PayloadOf(this->store_->CheckRoom({ada}, limits)), "creator");
  EXPECT_OK(this->store_->CheckRoom({bob}, limits));
  EXPECT_EQ(PayloadOf(this->store_->CheckRoom({bob, bob}, limits)), "queue");
  this->Create("job-3", {.creator = "bob"});
  EXPECT_THAT(this->store_->CheckRoom({bob}, limits),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 3")));
  // What was made before needs no room, whatever else is asked of it.
  EXPECT_OK(this->store_->CheckRoom({MakeJob("other", {.request_id = "r-1"})}, limits));
  ASSERT_OK(this->store_->Cancel("job-1"));
  EXPECT_OK(this->store_->CheckRoom({ada}, limits));
  EXPECT_THAT(this->store_->Get("new-1"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
}

TYPED_TEST(FrontDoorTest, RoomIsCheckedByBytesToo) {
  CreateLimits limits;
  limits.max_queued_bytes_per_creator = 10;
  this->Create("job-1", {.input_bytes = 7});
  EXPECT_OK(this->store_->CheckRoom({MakeJob("new-1", {.input_bytes = 3})}, limits));
  EXPECT_EQ(PayloadOf(this->store_->CheckRoom({MakeJob("new-1", {.input_bytes = 4})}, limits)),
            "creator_bytes");
}

// --- Cancel and Delete ----------------------------------------------------

TYPED_TEST(FrontDoorTest, CancelTellsWhetherItEndedTheJob) {
  this->Create("job-1");
  this->Create("job-2");
  bool ended = false;
  ASSERT_OK(this->store_->Cancel("job-1", &ended));
  EXPECT_TRUE(ended);
  ASSERT_OK(this->store_->Cancel("job-1", &ended));
  EXPECT_FALSE(ended);
  this->Claim();
  ASSERT_OK(this->store_->Cancel("job-2", &ended));
  EXPECT_FALSE(ended);
}

TYPED_TEST(FrontDoorTest, CancelOfQueuedIsImmediate) {
  this->Create("job-1");
  this->clock_.Advance(absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, this->store_->Cancel("job-1"));
  EXPECT_EQ(job.state, JobState::kCancelled);
  EXPECT_EQ(job.sequence, 2);
  EXPECT_EQ(job.start_time, absl::InfinitePast());
  EXPECT_EQ(job.end_time, this->clock_.Now());
  EXPECT_EQ(job.expire_time, this->clock_.Now() + this->retention_.succeeded);
  EXPECT_FALSE(this->TryClaim().has_value());
}

TYPED_TEST(FrontDoorTest, CancelOfRunningIsFlagged) {
  this->Create("job-1");
  const Claimed claimed = this->Claim();
  ASSERT_OK_AND_ASSIGN(const JobRecord job, this->store_->Cancel("job-1"));
  EXPECT_EQ(job.state, JobState::kRunning);
  EXPECT_TRUE(job.cancel_requested);
  EXPECT_EQ(job.sequence, claimed.job.sequence) << "no change of state yet";
  ASSERT_OK_AND_ASSIGN(const auto beats,
                       this->store_->Heartbeat({claimed.lease}, absl::Seconds(30)));
  ASSERT_EQ(beats.size(), 1u);
  EXPECT_TRUE(beats[0].held);
  EXPECT_TRUE(beats[0].cancel_requested);
  EXPECT_EQ(this->Finish(claimed.lease, JobEvent::kCancel).state, JobState::kCancelled);
}

TYPED_TEST(FrontDoorTest, CancelOfEndedChangesNothing) {
  for (const JobEvent event : {JobEvent::kSucceed, JobEvent::kFail, JobEvent::kCancel}) {
    const std::string id = absl::StrCat("job-", static_cast<int>(event));
    const JobRecord ended = this->CreateEnded(id, event);
    this->clock_.Advance(absl::Seconds(1));
    ASSERT_OK_AND_ASSIGN(const JobRecord job, this->store_->Cancel(id));
    EXPECT_EQ(job.state, ended.state);
    EXPECT_EQ(job.sequence, ended.sequence);
    EXPECT_EQ(job.end_time, ended.end_time);
    EXPECT_EQ(job.cancel_requested, ended.cancel_requested);
  }
}

TYPED_TEST(FrontDoorTest, OnlyEndedJobsAreDeleted) {
  this->Create("job-1", {.labels = {{"a", "1"}}});
  EXPECT_THAT(this->store_->Delete("job-1"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cancel")));
  const Claimed claimed = this->Claim();
  EXPECT_THAT(this->store_->Delete("job-1"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cancel")));
  this->Finish(claimed.lease, JobEvent::kSucceed);
  ASSERT_OK_AND_ASSIGN(const JobRecord job, this->store_->Delete("job-1"));
  EXPECT_EQ(job.input.name, "job-1/input");
  EXPECT_THAT(this->store_->Get("job-1"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  EXPECT_THAT(this->ListIds({.labels = {{"a", "1"}}}), IsEmpty());
}

}  // namespace
}  // namespace tweedie
