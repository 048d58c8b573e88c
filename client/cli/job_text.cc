#include "client/cli/job_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/metrics_text.h"
#include "client/cli/text.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace tweedie::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Rows = std::vector<std::vector<std::string>>;

std::string StateText(const v1::Job& job) { return LowerCase(v1::Job::State_Name(job.state())); }

std::string Count(int count, const char* noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string StepsText(const v1::Progress& progress) {
  return absl::StrCat(progress.step(), "/", progress.num_steps());
}

std::string RunTimeText(const v1::Job& job) {
  return absl::StrCat(Seconds(ToTime(job.end_time()) - ToTime(job.start_time())), " s");
}

std::string ErrorText(const v1::JobError& error) {
  return absl::StrCat(error.message(),
                      error.reason().empty() ? "" : absl::StrCat(" (", error.reason(), ")"));
}

// The field of the job's task, or null if it has none.
const FieldDescriptor* TaskField(const v1::Job& job) {
  return v1::Job::GetReflection()->GetOneofFieldDescriptor(
      job, v1::Job::descriptor()->FindOneofByName("task"));
}

// The process of any task; the default one if the task has none.
const v1::ReverseProcess& ProcessOf(const Message& task) {
  const FieldDescriptor* field = task.GetDescriptor()->FindFieldByName("process");
  if (field == nullptr) return v1::ReverseProcess::default_instance();
  return static_cast<const v1::ReverseProcess&>(task.GetReflection()->GetMessage(task, field));
}

// Appends a row, if there is a value.
void Append(const char* key, std::string value, Rows* rows) {
  if (!value.empty()) rows->push_back({key, std::move(value)});
}

void AppendTime(const char* key, const google::protobuf::Timestamp& time, Rows* rows) {
  if (time.seconds() != 0) rows->push_back({key, FormatTimestamp(time)});
}

void AppendRequest(const v1::Job& job, Rows* rows) {
  Append("model", job.model(), rows);
  Append("task", TaskText(job), rows);
  Append("seed", job.has_seed() ? absl::StrCat(job.seed()) : "", rows);
  Append("priority", LowerCase(v1::Job::Priority_Name(job.priority())), rows);
  Append("labels", absl::StrJoin(job.labels(), ", ", absl::PairFormatter("=")), rows);
  Append("images", absl::StrCat(job.num_images()), rows);
}

void AppendRun(const v1::Job& job, Rows* rows) {
  Append("state", StateText(job), rows);
  Append("error", job.has_error() ? ErrorText(job.error()) : "", rows);
  Append("steps", StepsText(job.progress()), rows);
  if (job.state() == v1::Job::QUEUED) {
    Append("jobs ahead", absl::StrCat(job.progress().queue_position()), rows);
  }
  Append("creator", job.creator(), rows);
  Append("server", job.server(), rows);
  Append("device", job.device(), rows);
  Append("attempt", job.attempt() > 1 ? absl::StrCat(job.attempt()) : "", rows);
  AppendTime("created", job.create_time(), rows);
  AppendTime("started", job.start_time(), rows);
  AppendTime("ended", job.end_time(), rows);
  AppendTime("expires", job.expire_time(), rows);
}

}  // namespace

std::string OutcomeText(const v1::Job& job) {
  switch (job.state()) {
    case v1::Job::SUCCEEDED:
      return absl::StrCat(job.name(), " succeeded: ", Count(job.num_images(), "image"), " in ",
                          RunTimeText(job));
    case v1::Job::FAILED:
      return absl::StrCat(job.name(), " failed: ", ErrorText(job.error()));
    case v1::Job::CANCELLED:
      return absl::StrCat(job.name(), " was cancelled after ", StepsText(job.progress()), " steps");
    default:
      return absl::StrCat(job.name(), " is ", StateText(job));
  }
}

std::string TaskText(const v1::Job& job) {
  const FieldDescriptor* field = TaskField(job);
  if (field == nullptr) return "";
  const v1::ReverseProcess& process = ProcessOf(v1::Job::GetReflection()->GetMessage(job, field));
  std::string text = field->name();
  if (process.kind() != v1::ReverseProcess::KIND_UNSPECIFIED) {
    absl::StrAppend(&text, ", ", LowerCase(v1::ReverseProcess::Kind_Name(process.kind())));
  }
  if (process.num_steps() > 0) {
    absl::StrAppend(&text, ", ", Count(process.num_steps(), "step"));
  }
  return text;
}

std::string DescribeJob(const v1::Job& job) {
  Rows rows = {{"name", job.name()}};
  AppendRequest(job, &rows);
  AppendRun(job, &rows);
  const std::string metrics = MetricsTable(job.metrics());
  return absl::StrCat(FormatTable(rows), metrics.empty() ? "" : "\n", metrics);
}

std::string JobTable(const std::vector<v1::Job>& jobs) {
  Rows rows = {{"NAME", "STATE", "TASK", "IMAGES", "STEPS", "CREATED"}};
  for (const v1::Job& job : jobs) {
    rows.push_back({job.name(), StateText(job), TaskText(job), absl::StrCat(job.num_images()),
                    StepsText(job.progress()), FormatTimestamp(job.create_time())});
  }
  return FormatTable(rows);
}

}  // namespace tweedie::cli
