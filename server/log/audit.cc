#include "server/log/audit.h"

#include <spdlog/spdlog.h>

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/finite_time.h"
#include "server/log/fields.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {
namespace {

using Level = spdlog::level::level_enum;

constexpr char kQuarantined[] = "QUARANTINED";

std::string StateName(JobState state) {
  return v1::Job::State_Name(static_cast<v1::Job::State>(state));
}

bool IsQuarantined(const JobRecord& job) {
  return job.failure.has_value() && job.failure->reason == kQuarantined;
}

// An end is told by its kind, also where a job that was given back had been cancelled.
std::string EventName(JobChange change, const JobRecord& job) {
  if (change == JobChange::kDeleted) return "deleted";
  if (change == JobChange::kExpired) return "expired";
  if (IsQuarantined(job)) return "quarantined";
  if (HasEnded(job.state)) return absl::AsciiStrToLower(StateName(job.state));
  if (change == JobChange::kCreated) return "created";
  if (change == JobChange::kClaimed) return "claimed";
  return change == JobChange::kRescued ? "rescued" : "released";
}

Level LevelOf(const std::string& event, absl::string_view why) {
  if (event == "failed" || event == "quarantined") return spdlog::level::err;
  const bool unusual = event == "rescued" || (event == "released" && !why.empty());
  return unusual ? spdlog::level::warn : spdlog::level::info;
}

std::string TraceparentOf(const JobRecord& job) {
  v1::Job spec;
  return spec.ParseFromString(job.spec) ? spec.traceparent() : "";
}

void Put(const char* name, const std::string& text, LogFields& fields) {
  if (!text.empty()) fields[name] = text;
}

void PutSeconds(const char* name, absl::Time from, absl::Time to, LogFields& fields) {
  if (!IsFinite(from) || !IsFinite(to)) return;
  fields[name] = static_cast<double>(absl::ToInt64Microseconds(to - from)) / 1e6;
}

void PutDurations(const JobRecord& job, LogFields& fields) {
  const bool begun = IsFinite(job.start_time);
  PutSeconds("queued_seconds", job.create_time, begun ? job.start_time : job.end_time, fields);
  PutSeconds("run_seconds", job.start_time, job.end_time, fields);
}

void PutFailure(const JobRecord& job, LogFields& fields) {
  if (!job.failure.has_value()) return;
  fields["reason"] = job.failure->reason;
  fields["error"] = job.failure->message;
}

}  // namespace

void AuditChange(JobChange change, const JobRecord& job, absl::string_view why) {
  const std::string event = EventName(change, job);
  const Level level = LevelOf(event, why);
  if (!spdlog::should_log(level)) return;
  LogFields fields;
  fields["job"] = "jobs/" + job.id;
  fields["event"] = event;
  fields["state"] = StateName(job.state);
  Put("creator", job.creator, fields);
  fields["model"] = "models/" + job.model;
  fields["images"] = job.num_images;
  fields["attempt"] = job.attempt;
  fields["crashes"] = job.crashes;
  Put("server", job.server, fields);
  Put("device", job.device, fields);
  fields["step"] = job.progress.step;
  fields["num_steps"] = job.progress.num_steps;
  PutDurations(job, fields);
  PutFailure(job, fields);
  Put("why", std::string(why), fields);
  Put("traceparent", TraceparentOf(job), fields);
  fields["message"] = "job " + event;
  WriteFields(level, fields);
}

void LogJob(Level level, const JobRecord& job, absl::string_view message) {
  if (!spdlog::should_log(level)) return;
  LogFields fields;
  fields["job"] = "jobs/" + job.id;
  fields["attempt"] = job.attempt;
  Put("traceparent", TraceparentOf(job), fields);
  fields["message"] = std::string(message);
  WriteFields(level, fields);
}

}  // namespace tweedie
