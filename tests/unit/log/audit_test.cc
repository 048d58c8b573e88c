#include "server/log/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/log/captured_log.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

JobRecord MakeJob(JobState state) {
  JobRecord job;
  job.id = "k3v9";
  job.model = "m";
  job.creator = "ada";
  job.num_images = 4;
  job.state = state;
  job.create_time = absl::FromUnixSeconds(1000);
  v1::Job spec;
  spec.set_traceparent(kTraceparent);
  job.spec = spec.SerializeAsString();
  return job;
}

JobRecord Ended(JobState state) {
  JobRecord job = MakeJob(state);
  job.attempt = 2;
  job.server = "gpu-1";
  job.device = "cuda:0";
  job.progress = {7, 50, 100};
  job.start_time = job.create_time + absl::Milliseconds(1250);
  job.end_time = job.start_time + absl::Microseconds(41421001);
  return job;
}

nlohmann::json Line(JobChange change, const JobRecord& job, const std::string& why = "") {
  CapturedLog log(LogFormat::kJson);
  AuditChange(change, job, why);
  const std::string line = log.Take();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  return nlohmann::json::parse(line);
}

TEST(AuditTest, ALineHasWhatIsKnownOfTheJob) {
  const nlohmann::json line = Line(JobChange::kEnded, Ended(JobState::kSucceeded));
  EXPECT_EQ(line["event"], "succeeded");
  EXPECT_EQ(line["state"], "SUCCEEDED");
  EXPECT_EQ(line["job"], "jobs/k3v9");
  EXPECT_EQ(line["creator"], "ada");
  EXPECT_EQ(line["model"], "models/m");
  EXPECT_EQ(line["images"], 4);
  EXPECT_EQ(line["attempt"], 2);
  EXPECT_EQ(line["server"], "gpu-1");
  EXPECT_EQ(line["device"], "cuda:0");
  EXPECT_EQ(line["step"], 7);
  EXPECT_EQ(line["num_steps"], 50);
  EXPECT_EQ(line["queued_seconds"], 1.25);
  EXPECT_EQ(line["run_seconds"], 41.421001);
  EXPECT_EQ(line["traceparent"], kTraceparent);
  EXPECT_EQ(line["level"], "info");
}

TEST(AuditTest, WhatHasNotHappenedIsLeftOut) {
  const nlohmann::json line = Line(JobChange::kCreated, MakeJob(JobState::kQueued));
  for (const char* name : {"queued_seconds", "run_seconds", "server", "device", "reason", "why"}) {
    EXPECT_FALSE(line.contains(name)) << name;
  }
}

TEST(AuditTest, AJobThatNeverRanWaitedUntilItsEnd) {
  JobRecord job = MakeJob(JobState::kCancelled);
  job.end_time = job.create_time + absl::Seconds(3);
  const nlohmann::json line = Line(JobChange::kEnded, job);
  EXPECT_EQ(line["queued_seconds"], 3.0);
  EXPECT_FALSE(line.contains("run_seconds"));
}

TEST(AuditTest, EventsAreNamedByWhatHappened) {
  const auto event = [](JobChange change, const JobRecord& job) {
    return Line(change, job)["event"].get<std::string>();
  };
  const JobRecord queued = MakeJob(JobState::kQueued);
  EXPECT_EQ(event(JobChange::kCreated, queued), "created");
  EXPECT_EQ(event(JobChange::kClaimed, MakeJob(JobState::kRunning)), "claimed");
  EXPECT_EQ(event(JobChange::kReleased, queued), "released");
  EXPECT_EQ(event(JobChange::kRescued, queued), "rescued");
  // Given back, or rescued, after its cancellation was asked for.
  EXPECT_EQ(event(JobChange::kReleased, Ended(JobState::kCancelled)), "cancelled");
  EXPECT_EQ(event(JobChange::kRescued, Ended(JobState::kCancelled)), "cancelled");
  EXPECT_EQ(event(JobChange::kEnded, Ended(JobState::kFailed)), "failed");
  EXPECT_EQ(event(JobChange::kDeleted, Ended(JobState::kFailed)), "deleted");
  EXPECT_EQ(event(JobChange::kExpired, Ended(JobState::kSucceeded)), "expired");
  JobRecord condemned = Ended(JobState::kFailed);
  condemned.failure = JobFailure{absl::StatusCode::kAborted, "died", "QUARANTINED"};
  EXPECT_EQ(event(JobChange::kEnded, condemned), "quarantined");
  EXPECT_EQ(event(JobChange::kDeleted, condemned), "deleted");
}

TEST(AuditTest, FailuresAreErrorsAndSayWhy) {
  JobRecord job = Ended(JobState::kFailed);
  job.failure = JobFailure{absl::StatusCode::kInternal, "x\ny \"z\" \xff", "STEP_FAILED"};
  const nlohmann::json line = Line(JobChange::kEnded, job);
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["reason"], "STEP_FAILED");
  EXPECT_EQ(line["error"], "x\ny \"z\" \xef\xbf\xbd");
  EXPECT_EQ(Line(JobChange::kRescued, MakeJob(JobState::kQueued))["level"], "warning");
  EXPECT_EQ(Line(JobChange::kReleased, MakeJob(JobState::kQueued))["level"], "info");
  const nlohmann::json put_back =
      Line(JobChange::kReleased, MakeJob(JobState::kQueued), "no files");
  EXPECT_EQ(put_back["level"], "warning");
  EXPECT_EQ(put_back["why"], "no files");
}

TEST(AuditTest, NobodyForgesALineOrAFieldByAName) {
  JobRecord job = MakeJob(JobState::kQueued);
  job.creator = "eve\",\"event\":\"succeeded\n{}";
  EXPECT_EQ(Line(JobChange::kCreated, job)["creator"], job.creator);
  EXPECT_EQ(Line(JobChange::kCreated, job)["event"], "created");
  CapturedLog log(LogFormat::kText);
  job.creator = "eve\nstate=FAILED x=\"";
  AuditChange(JobChange::kCreated, job);
  const std::string line = log.Take();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr(R"( creator="eve\nstate=FAILED x=\"" model=models/m)"));
}

TEST(AuditTest, TextReadsAsItAlwaysDid) {
  CapturedLog log(LogFormat::kText);
  AuditChange(JobChange::kCreated, MakeJob(JobState::kQueued));
  EXPECT_THAT(log.Take(), HasSubstr(" info job=jobs/k3v9 event=created state=QUEUED creator=ada "
                                    "model=models/m images=4 attempt=0 "));
  LogJob(spdlog::level::warn, Ended(JobState::kRunning), "begins anew: damaged\nfile");
  EXPECT_THAT(log.Take(), EndsWith(" warning job=jobs/k3v9 attempt=2 traceparent=" +
                                   std::string(kTraceparent) + " begins anew: damaged\\nfile\n"));
}

TEST(AuditTest, ASpecThatCannotBeReadHasNoTraceparent) {
  JobRecord job = MakeJob(JobState::kQueued);
  job.spec = "\xff\xff";
  EXPECT_FALSE(Line(JobChange::kCreated, job).contains("traceparent"));
}

}  // namespace
}  // namespace tweedie
