#include "server/tools/archived_text.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/utf8.h"
#include "server/tools/fields.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();
constexpr char kLabel[] = "label.";

int TakeSmall(Fields& fields, absl::string_view name) {
  return static_cast<int>(fields.TakeInt(name, 0, kMaxInt));
}

void SetWhat(Fields& fields, const JobRecord& job) {
  fields.Set("id", job.id);
  fields.Set("model", job.model);
  fields.Set("creator", job.creator);
  fields.SetInt("priority", static_cast<int64_t>(job.priority));
  fields.Set("spec", job.spec);
  fields.SetInt("num_images", job.num_images);
  fields.SetInt("cost_bytes", job.cost_bytes);
  fields.SetBlob("input", job.input);
  for (const auto& [key, value] : job.labels) fields.Set(absl::StrCat(kLabel, key), value);
}

void TakeWhat(Fields& fields, JobRecord& job) {
  job.id = fields.Take("id");
  job.model = fields.TakeText("model");
  job.creator = fields.TakeText("creator");
  job.priority = static_cast<JobPriority>(fields.TakeInt("priority", 1, 3));
  job.spec = fields.Take("spec");
  job.num_images = TakeSmall(fields, "num_images");
  job.cost_bytes = fields.TakeInt("cost_bytes", 0, kMaxInt64);
  job.input = fields.TakeBlob("input");
  for (const auto& [key, value] : fields.TakeAll(kLabel)) job.labels[ToUtf8(key)] = ToUtf8(value);
}

void SetState(Fields& fields, const JobRecord& job) {
  fields.SetInt("state", static_cast<int64_t>(job.state));
  fields.SetInt("sequence", job.sequence);
  fields.SetInt("attempt", job.attempt);
  fields.SetInt("crashes", job.crashes);
  fields.SetInt("cancel_requested", job.cancel_requested ? 1 : 0);
  fields.SetInt("step", job.progress.step);
  fields.SetInt("num_steps", job.progress.num_steps);
  fields.SetInt("timestep", job.progress.timestep);
  fields.SetBlob("checkpoint", job.checkpoint);
  fields.Set("server", job.server);
  fields.Set("device", job.device);
}

void TakeState(Fields& fields, JobRecord& job) {
  job.state = static_cast<JobState>(fields.TakeInt("state", 1, 5));
  job.sequence = fields.TakeInt("sequence", 0, kMaxInt64);
  job.attempt = TakeSmall(fields, "attempt");
  job.crashes = TakeSmall(fields, "crashes");
  job.cancel_requested = fields.TakeInt("cancel_requested", 0, 1) != 0;
  job.progress.step = TakeSmall(fields, "step");
  job.progress.num_steps = TakeSmall(fields, "num_steps");
  job.progress.timestep = static_cast<int>(fields.TakeInt("timestep", -kMaxInt, kMaxInt));
  job.checkpoint = fields.TakeBlob("checkpoint");
  job.server = fields.TakeText("server");
  job.device = fields.TakeText("device");
}

void SetEnd(Fields& fields, const JobRecord& job) {
  fields.SetBlob("result", job.result);
  fields.Set("outcome", job.outcome);
  fields.SetTime("create_time", job.create_time);
  fields.SetTime("start_time", job.start_time);
  fields.SetTime("end_time", job.end_time);
  fields.SetTime("expire_time", job.expire_time);
  if (!job.failure.has_value()) return;
  fields.SetInt("failure.code", static_cast<int64_t>(job.failure->code));
  fields.Set("failure.message", job.failure->message);
  fields.Set("failure.reason", job.failure->reason);
}

void TakeEnd(Fields& fields, JobRecord& job) {
  job.result = fields.TakeBlob("result");
  job.outcome = fields.Take("outcome");
  job.create_time = fields.TakeTimeOr("create_time", absl::InfinitePast());
  job.start_time = fields.TakeTimeOr("start_time", absl::InfinitePast());
  job.end_time = fields.TakeTimeOr("end_time", absl::InfinitePast());
  job.expire_time = fields.TakeTimeOr("expire_time", absl::InfiniteFuture());
  if (!fields.Has("failure.code")) return;
  job.failure.emplace();
  job.failure->code = static_cast<absl::StatusCode>(fields.TakeInt("failure.code", 0, 16));
  job.failure->message = fields.TakeText("failure.message");
  job.failure->reason = fields.TakeText("failure.reason");
}

}  // namespace

std::string ToText(const ArchivedJob& job) {
  Fields fields;
  SetWhat(fields, job.record);
  SetState(fields, job.record);
  SetEnd(fields, job.record);
  fields.SetInt("furthest_step", job.furthest_step);
  fields.Set("request_id", job.request_id);
  fields.Set("request_digest", job.request_digest);
  return fields.ToText();
}

std::string ToText(const SpentRequest& request) {
  Fields fields;
  fields.Set("request_id", request.id);
  fields.Set("request_digest", request.digest);
  fields.SetTime("create_time", request.create_time);
  fields.SetTime("expire_time", request.expire_time);
  return fields.ToText();
}

absl::StatusOr<ArchivedJob> JobFromText(absl::string_view text) {
  ASSIGN_OR_RETURN(Fields fields, Fields::FromText(text));
  ArchivedJob job;
  TakeWhat(fields, job.record);
  TakeState(fields, job.record);
  TakeEnd(fields, job.record);
  job.furthest_step = TakeSmall(fields, "furthest_step");
  job.request_id = fields.TakeText("request_id");
  job.request_digest = fields.TakeText("request_digest");
  RETURN_IF_ERROR(fields.End());
  return job;
}

absl::StatusOr<SpentRequest> RequestFromText(absl::string_view text) {
  ASSIGN_OR_RETURN(Fields fields, Fields::FromText(text));
  SpentRequest request;
  request.id = fields.TakeText("request_id");
  request.digest = fields.TakeText("request_digest");
  request.create_time = fields.TakeTimeOr("create_time", absl::UnixEpoch());
  request.expire_time = fields.TakeTimeOr("expire_time", absl::InfiniteFuture());
  RETURN_IF_ERROR(fields.End());
  return request;
}

}  // namespace tweedie
