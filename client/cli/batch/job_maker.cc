#include "client/cli/batch/job_maker.h"

#include <openssl/sha.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/manual/mistakes.h"
#include "client/cli/names.h"
#include "client/cli/nearest.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr char kNameLabel[] = "batch.name";

absl::Status ParseWords(BatchJob* job) {
  CLI::App app;
  job->task->AddTo(&app);
  AddJobOptions(&app, &job->options);
  std::vector<std::string> reversed(job->entry.words.rbegin(), job->entry.words.rend());
  reversed.pop_back();  // the command's name
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(absl::StrCat(job->entry.where, ": ", job->entry.words[0],
                                                   ": ", ExplainMistake(app, error)));
  }
  return absl::OkStatus();
}

absl::StatusOr<BatchJob> ParseJob(BatchEntry entry) {
  const TaskInfo* task = FindTask(entry.words[0]);
  if (task == nullptr) {
    std::vector<std::string> names;
    for (const TaskInfo& one : Tasks()) names.push_back(one.name);
    return absl::InvalidArgumentError(absl::StrCat(entry.where, ": '", entry.words[0],
                                                   "' is no command that makes a job",
                                                   DidYouMean(entry.words[0], names)));
  }
  BatchJob job{std::move(entry), task->make_options(), {}};
  RETURN_IF_ERROR(ParseWords(&job));
  return job;
}

// A UUID of version 8 (RFC 9562) that follows from `text`.
std::string UuidOf(absl::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3f) | 0x80);
  std::string uuid =
      absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), 16));
  for (const size_t place : {20, 16, 12, 8}) uuid.insert(place, "-");
  return uuid;
}

}  // namespace

absl::StatusOr<std::vector<BatchJob>> ParseJobs(std::vector<BatchEntry> entries) {
  std::vector<BatchJob> jobs;
  for (BatchEntry& entry : entries) {
    ASSIGN_OR_RETURN(BatchJob job, ParseJob(std::move(entry)));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::string RequestIdOf(const BatchEntry& entry, const BatchMarks& marks, int attempt) {
  return UuidOf(absl::StrCat(marks.key, "\n", entry.name, "\n", attempt));
}

bool IsDeletion(const absl::Status& status, absl::string_view request_id) {
  return absl::IsNotFound(status) && absl::StrContains(status.message(), request_id);
}

absl::StatusOr<v1::CreateJobRequest> MakeRequest(const BatchJob& job, const BatchMarks& marks,
                                                 int attempt) {
  const std::string model = job.options.model ? ModelName(*job.options.model) : marks.model;
  v1::CreateJobRequest request;
  ASSIGN_OR_RETURN(*request.mutable_job(), MakeJob(job.options, model));
  RETURN_IF_ERROR(job.task->SetTask(request.mutable_job()));
  if (!job.options.priority) request.mutable_job()->set_priority(v1::Job::BATCH);
  (*request.mutable_job()->mutable_labels())[kBatchLabel] = marks.key;
  (*request.mutable_job()->mutable_labels())[kNameLabel] = job.entry.name;
  request.set_request_id(RequestIdOf(job.entry, marks, attempt));
  return request;
}

}  // namespace tweedie::cli
