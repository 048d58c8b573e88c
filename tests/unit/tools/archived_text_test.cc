#include "server/tools/archived_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/tools/example_jobs.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

TEST(ArchivedTextTest, JobsComeBackAsTheyWere) {
  for (const ArchivedJob& job : {QueuedJob(), SucceededJob(), FailedJob()}) {
    ASSERT_OK_AND_ASSIGN(const ArchivedJob read, JobFromText(ToText(job)));
    // All that is written is read: what is not would differ here.
    EXPECT_EQ(ToText(read), ToText(job));
    EXPECT_EQ(read.record.labels, job.record.labels);
    EXPECT_EQ(read.record.spec, job.record.spec);
    EXPECT_EQ(read.record.state, job.record.state);
    EXPECT_EQ(read.record.progress.timestep, job.record.progress.timestep);
    EXPECT_EQ(read.record.result.sha256, job.record.result.sha256);
    EXPECT_EQ(read.record.failure.has_value(), job.record.failure.has_value());
    EXPECT_EQ(read.record.expire_time, job.record.expire_time);
    EXPECT_EQ(read.furthest_step, job.furthest_step);
    EXPECT_EQ(read.request_digest, job.request_digest);
  }
}

TEST(ArchivedTextTest, NoLeaseTravelsAlong) {
  ASSERT_OK_AND_ASSIGN(const ArchivedJob read, JobFromText(ToText(RunningJob())));
  EXPECT_FALSE(read.has_lease_token);
  EXPECT_FALSE(read.lease_end.has_value());
}

TEST(ArchivedTextTest, RequestsComeBackAsTheyWere) {
  const SpentRequest request = {"r", "d", absl::FromUnixMicros(5), absl::FromUnixMicros(6)};
  ASSERT_OK_AND_ASSIGN(const SpentRequest read, RequestFromText(ToText(request)));
  EXPECT_EQ(read.id, "r");
  EXPECT_EQ(read.digest, "d");
  EXPECT_EQ(read.create_time, request.create_time);
  EXPECT_EQ(read.expire_time, request.expire_time);
}

TEST(ArchivedTextTest, AWrongFieldIsNamed) {
  const std::string text = ToText(SucceededJob());
  for (const auto& [from, to, named] :
       {std::make_tuple("state=3", "state=6", "state"),
        std::make_tuple("attempt=1", "attempt=-1", "attempt"),
        std::make_tuple("result.size=6", "result.size=x", "result.size"),
        std::make_tuple("model=m\n", "", "model"), std::make_tuple("server", "colour", "server")}) {
    EXPECT_THAT(JobFromText(absl::StrReplaceAll(text, {{from, to}})).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(named)));
  }
}

}  // namespace
}  // namespace tweedie
