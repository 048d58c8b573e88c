#include "server/tools/job_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/tools/example_jobs.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(JobChecksTest, WhatAStoreKeepsHasNoContradictions) {
  for (const ArchivedJob& job : {QueuedJob(), RunningJob(), SucceededJob(), FailedJob()}) {
    EXPECT_THAT(FindContradictions(job), IsEmpty()) << static_cast<int>(job.record.state);
  }
  ArchivedJob bare = QueuedJob();
  bare.record.input = {};
  EXPECT_THAT(FindContradictions(bare), IsEmpty());
  ArchivedJob lost = SucceededJob();
  lost.record.result = {};
  EXPECT_THAT(FindContradictions(lost), IsEmpty()) << "a repair has said so";
}

struct Case {
  std::function<ArchivedJob()> make;
  std::function<void(ArchivedJob&)> spoil;
  const char* problem;
};

TEST(JobChecksTest, EachContradictionIsTold) {
  const auto queued = [] { return QueuedJob(); };
  const auto bare = [] {
    ArchivedJob job = QueuedJob();
    job.record.input = {};
    return job;
  };
  const auto running = [] { return RunningJob(); };
  const auto succeeded = [] { return SucceededJob(); };
  const auto failed = [] { return FailedJob(); };
  const Case cases[] = {
      {running, [](ArchivedJob& j) { j.has_lease_token = false; }, "without a lease"},
      {running, [](ArchivedJob& j) { j.lease_end.reset(); }, "without a lease"},
      {running, [](ArchivedJob& j) { j.record.start_time = absl::InfinitePast(); }, "never start"},
      {queued, [](ArchivedJob& j) { j.has_lease_token = true; }, "not running"},
      {queued, [](ArchivedJob& j) { j.record.cancel_requested = true; }, "cancelled"},
      {queued, [](ArchivedJob& j) { j.record.failure.emplace(); }, "has not"},
      {failed, [](ArchivedJob& j) { j.record.failure.reset(); }, "does not say why"},
      {queued, [](ArchivedJob& j) { j.record.end_time = absl::UnixEpoch(); }, "has an end"},
      {queued, [](ArchivedJob& j) { j.record.expire_time = absl::UnixEpoch(); }, "it expires"},
      {failed, [](ArchivedJob& j) { j.record.end_time = absl::InfinitePast(); }, "at no time"},
      {failed, [](ArchivedJob& j) { j.record.expire_time = absl::InfiniteFuture(); }, "never exp"},
      {queued, [](ArchivedJob& j) { j.record.result = ExampleBlob("job-1/r", "x"); }, "a result"},
      {succeeded, [](ArchivedJob& j) { j.record.crashes = 2; }, "crashed 2 times in 1"},
      {succeeded, [](ArchivedJob& j) { j.record.attempt = 2; }, "not of attempt 2"},
      {succeeded, [](ArchivedJob& j) { j.record.progress.step = 51; }, "step 51 of 50"},
      {queued, [](ArchivedJob& j) { j.record.cost_bytes = -1; }, "negative size"},
      {queued, [](ArchivedJob& j) { j.record.priority = JobPriority{4}; }, "priority is 4"},
      {queued, [](ArchivedJob& j) { j.record.model.clear(); }, "no model"},
      {bare, [](ArchivedJob& j) { j.record.id = "job"; }, "its id is 'job'"},
      {bare, [](ArchivedJob& j) { j.record.id = "../x"; }, "its id is '../x'"},
      {bare, [](ArchivedJob& j) { j.record.id = "Job-1"; }, "its id is 'Job-1'"},
      {bare, [](ArchivedJob& j) { j.record.id = "1-job"; }, "its id is '1-job'"},
      {bare, [](ArchivedJob& j) { j.record.id = std::string(64, 'a'); }, "its id is 'aaa"},
      {queued, [](ArchivedJob& j) { j.record.create_time = absl::InfinitePast(); }, "created at"},
      {queued, [](ArchivedJob& j) { j.record.input.name = "job-2/x"; }, "job-2/x"},
      {queued, [](ArchivedJob& j) { j.record.input.name = "job-1/../x"; }, "job-1/../x"},
      {queued, [](ArchivedJob& j) { j.record.input.sha256 = "abc"; }, "no size and digest"},
      {succeeded, [](ArchivedJob& j) { j.request_is_spent = true; }, "request id"},
  };
  for (const Case& one : cases) {
    ArchivedJob job = one.make();
    one.spoil(job);
    EXPECT_THAT(FindContradictions(job), ElementsAre(HasSubstr(one.problem)));
  }
}

TEST(JobChecksTest, BlobsAreThoseThatAreNamed) {
  const std::vector<BlobRef> blobs = BlobsOf(SucceededJob().record);
  ASSERT_EQ(blobs.size(), 2u);
  EXPECT_EQ(blobs[0].name, "job-1/input-x");
  EXPECT_EQ(blobs[1].name, "job-1/result-1");
}

}  // namespace
}  // namespace tweedie
