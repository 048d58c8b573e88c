#include "server/rpc/job_calls.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/field_error.h"
#include "core/base/ids.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_id.h"
#include "server/convert/job_proto.h"
#include "server/log/audit.h"
#include "server/rpc/page_token.h"
#include "server/rpc/refusals.h"
#include "server/rpc/resource_names.h"
#include "server/rpc/status_details.h"

namespace tweedie {
namespace {

// How long after a refusal of the queue it is asked before a request is worked on.
constexpr absl::Duration kFullLately = absl::Seconds(5);

// A request_id is its creator's: nobody replays another's request.
void BindToCreator(NewJob& job) {
  if (job.request_id.empty()) return;
  job.request_digest = Sha256Hex(absl::StrCat(job.record.creator, "\n", job.request_digest));
}
// Clients take messages of 4 MiB unless they are told otherwise.
constexpr int64_t kLargestPageBytes = int64_t{3} << 20;

void RemoveBlob(const BlobStore& blobs, const std::string& name) {
  if (name.empty()) return;
  const absl::Status removed = blobs.Remove(name);
  // What stays is swept at the next start.
  if (!removed.ok()) spdlog::warn("blob {}: {}", name, removed.ToString());
}

std::string InRequests(int index) { return absl::StrCat("requests[", index, "]"); }

// `status` of request `index`: its field's path, or its message, says so.
absl::Status OfRequest(int index, const absl::Status& status) {
  const absl::Status in_field = InField(InRequests(index), status);
  if (status.ok() || in_field != status) return in_field;
  // ALREADY_EXISTS names a field as well, first thing in its message.
  const bool has_field = FieldOf(status).has_value();
  absl::Status named(status.code(),
                     absl::StrCat(InRequests(index), has_field ? "." : ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    const bool is_field = has_field && std::string(payload) == *FieldOf(status);
    named.SetPayload(
        url, is_field ? absl::Cord(absl::StrCat(InRequests(index), ".", std::string(payload)))
                      : payload);
  });
  return named;
}

// Whether `status` of JobStore::Create() tells for certain that there are no
// rows; after a failure of the database there may be.
bool CreatedNothing(const absl::Status& status) {
  return absl::IsAlreadyExists(status) || absl::IsInvalidArgument(status) ||
         absl::IsNotFound(status) || absl::IsResourceExhausted(status);
}

absl::Status CheckBatch(const v1::BatchCreateJobsRequest& request, int largest) {
  if (request.requests_size() < 1 || request.requests_size() > largest) {
    return FieldError("requests", absl::StrCat("must be 1 to ", largest, " jobs; were ",
                                               request.requests_size()));
  }
  std::set<std::string> ids;
  for (int i = 0; i < request.requests_size(); ++i) {
    const v1::CreateJobRequest& one = request.requests(i);
    if (one.validate_only() != request.requests(0).validate_only()) {
      return FieldError(InRequests(i) + ".validate_only", "must be the same in all requests");
    }
    if (!one.job_id().empty() && !ids.insert(one.job_id()).second) {
      return FieldError(
          InRequests(i) + ".job_id",
          absl::StrCat("must differ from the others; was '", one.job_id(), "' again"));
    }
  }
  return absl::OkStatus();
}

// Before there are jobs whose reply could not be sent.
absl::Status CheckReplyFits(const std::vector<PreparedJob>& jobs, int64_t max_bytes) {
  constexpr int64_t kOverhead = 64;  // of what the reply adds to each
  int64_t bytes = 0;
  for (const PreparedJob& job : jobs) {
    bytes += static_cast<int64_t>(job.job.ByteSizeLong()) + kOverhead;
  }
  if (bytes <= max_bytes) return absl::OkStatus();
  return FieldError("requests", absl::StrCat("must have a reply of at most ", max_bytes,
                                             " bytes; it would be of ", bytes));
}

std::vector<const v1::CreateJobRequest*> RequestsOf(const v1::BatchCreateJobsRequest& batch) {
  std::vector<const v1::CreateJobRequest*> requests;
  for (const v1::CreateJobRequest& request : batch.requests()) requests.push_back(&request);
  return requests;
}

// What a request asks room for, as far as it is known unread.
NewJob Claim(const v1::CreateJobRequest& request, absl::string_view creator) {
  NewJob job;
  job.record.creator = std::string(creator);
  // Whether it is a UUID is found out later; a NUL is no text to a database.
  const bool is_text = !absl::StrContains(request.request_id(), '\0');
  if (is_text) job.request_id = absl::AsciiStrToLower(request.request_id());
  return job;
}

// A creator whose jobs there are none of: no name has a bracket.
constexpr char kNobody[] = "(nobody)";

// Canonical text of a filter, for page tokens, which serve those alone who see the same.
std::string QueryText(const v1::JobFilter& filter, const Identity& caller) {
  std::string text = absl::StrCat(filter.creator(), "\n", filter.model());
  std::set<int> states(filter.states().begin(), filter.states().end());
  for (const int state : states) absl::StrAppend(&text, "\n", state);
  const std::map<std::string, std::string> labels(filter.labels().begin(), filter.labels().end());
  for (const auto& [key, value] : labels) absl::StrAppend(&text, "\n", key, "=", value);
  if (caller.role == Role::kUser) absl::StrAppend(&text, "\nseen by ", caller.name);
  return text;
}

}  // namespace

absl::StatusOr<JobQuery> ToQuery(const v1::JobFilter& filter, const Identity& caller) {
  JobQuery query;
  for (const int state : filter.states()) {
    if (state < v1::Job::QUEUED || state > v1::Job::CANCELLED) {
      return FieldError("filter.states", absl::StrCat("has an unknown state ", state));
    }
    query.states.push_back(static_cast<JobState>(state));
  }
  query.labels.insert(filter.labels().begin(), filter.labels().end());
  if (!filter.creator().empty()) query.creator = filter.creator();
  if (!filter.model().empty()) {
    absl::StatusOr<std::string> model = ParseModelName(filter.model());
    if (!model.ok()) {
      return FieldError("filter.model",
                        absl::StrCat("must be models/MODEL; was '", filter.model(), "'"));
    }
    query.model = *std::move(model);
  }
  if (caller.role == Role::kUser) {
    const bool is_own = MaySee(caller, query.creator.value_or(caller.name));
    query.creator = is_own ? caller.name : kNobody;
  }
  return query;
}

absl::StatusOr<JobRecord> GetVisible(JobStore& store, absl::string_view id,
                                     const Identity& caller) {
  ASSIGN_OR_RETURN(JobRecord record, store.Get(id));
  if (!MaySee(caller, record.creator)) return NoSuchJob(id);
  return record;
}

CreateLimits LimitsOf(const CreateLimits& server, const IdentityLimits& caller) {
  CreateLimits limits = server;
  if (caller.max_queued_jobs.has_value()) {
    limits.max_queued_per_creator =
        std::min(limits.max_queued_per_creator, *caller.max_queued_jobs);
  }
  if (caller.max_queued_mebibytes.has_value()) {
    const int64_t own = *caller.max_queued_mebibytes << 20;
    int64_t& bytes = limits.max_queued_bytes_per_creator;
    bytes = bytes == 0 ? own : std::min(bytes, own);
  }
  return limits;
}

absl::Status JobCalls::CheckVisible(absl::string_view id, const Identity& caller) {
  if (caller.role != Role::kUser) return absl::OkStatus();
  return GetVisible(*parts_->store, id, caller).status();
}

absl::StatusOr<JobRecord> JobCalls::WriteWithReserve(
    const std::function<absl::StatusOr<JobRecord>()>& write) {
  absl::StatusOr<JobRecord> written = write();
  if (!absl::IsResourceExhausted(written.status())) return written;
  parts_->runner->MakeRoom(written.status());
  return write();
}

v1::Job JobCalls::Report(const JobRecord& record) {
  v1::Job job = parts_->hub->Report(record);
  if (record.state == JobState::kQueued) {
    const absl::StatusOr<int64_t> position = parts_->store->QueuePosition(record.id);
    if (position.ok()) job.mutable_progress()->set_queue_position(static_cast<int>(*position));
  }
  return job;
}

absl::StatusOr<std::vector<JobRecord>> JobCalls::WriteAndCreate(std::vector<PreparedJob>& jobs,
                                                                const CreateLimits& limits,
                                                                std::vector<bool>& created) {
  RETURN_IF_ERROR(Refused(parts_->runner->CheckRoom(), "disk"));
  std::vector<NewJob> new_jobs;
  for (PreparedJob& job : jobs) {
    if (!job.input.empty()) {
      // A name of its own: a replay or a taken id must not touch another's.
      const std::string name = absl::StrCat(job.new_job.record.id, "/input-", RandomId(8));
      ASSIGN_OR_RETURN(job.new_job.record.input, parts_->blobs->Write(name, job.input));
    }
    new_jobs.push_back(job.new_job);
  }
  RETURN_IF_ERROR(HitFailpoint("create.before"));
  ASSIGN_OR_RETURN(std::vector<JobRecord> records,
                   parts_->store->Create(new_jobs, limits, &created));
  RETURN_IF_ERROR(HitFailpoint("create.after"));
  return records;
}

absl::StatusOr<std::vector<JobRecord>> JobCalls::Store(std::vector<PreparedJob>& jobs,
                                                       const Identity& caller) {
  std::vector<bool> created(jobs.size(), false);
  absl::StatusOr<std::vector<JobRecord>> records =
      WriteAndCreate(jobs, LimitsOf(parts_->create_limits, caller.limits), created);
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (!records.ok() || !created[i]) {
      if (!records.ok() && !CreatedNothing(records.status())) continue;
      RemoveBlob(*parts_->blobs, jobs[i].new_job.record.input.name);
      continue;
    }
    const JobRecord& job = (*records)[i];
    ++submitted_;
    AuditChange(JobChange::kCreated, job);
    parts_->hub->OnJobChanged(job);
  }
  parts_->runner->Wake();
  NoteIfFull(records.status());
  // A full queue tells more; a full disk may have room again.
  if (absl::IsResourceExhausted(records.status())) return MayRetry(records.status());
  if (records.ok()) RETURN_IF_ERROR(HitFailpoint("create.reply"));
  return records;
}

absl::Status JobCalls::Admit(const std::vector<const v1::CreateJobRequest*>& requests,
                             const Identity& caller) {
  if (const absl::Status room = parts_->runner->CheckRoom(); !room.ok()) {
    return MayRetry(Refused(room, "disk"));
  }
  if (absl::ToUnixNanos(Clock::Real()->Steady()) > ask_until_) return absl::OkStatus();
  std::vector<NewJob> claims;
  for (const v1::CreateJobRequest* request : requests) {
    claims.push_back(Claim(*request, caller.creator));
  }
  const absl::Status room =
      parts_->store->CheckRoom(claims, LimitsOf(parts_->create_limits, caller.limits));
  NoteIfFull(room);
  // Any other failure is for the write to meet.
  return absl::IsResourceExhausted(room) ? MayRetry(room) : absl::OkStatus();
}

void JobCalls::NoteIfFull(const absl::Status& status) {
  if (RefusalReason(status).has_value()) {
    ask_until_ = absl::ToUnixNanos(Clock::Real()->Steady() + kFullLately);
  }
}

absl::StatusOr<v1::Job> JobCalls::Create(const v1::CreateJobRequest& request,
                                         const Identity& caller, absl::string_view traceparent) {
  if (!request.validate_only()) RETURN_IF_ERROR(Admit({&request}, caller));
  ASSIGN_OR_RETURN(PreparedJob prepared, PrepareJob(request, caller.creator, parts_->pool->models(),
                                                    parts_->request_limits, traceparent));
  if (request.validate_only()) return prepared.job;
  BindToCreator(prepared.new_job);
  std::vector<PreparedJob> jobs;
  jobs.push_back(std::move(prepared));
  ASSIGN_OR_RETURN(const std::vector<JobRecord> records, Store(jobs, caller));
  return Report(records[0]);
}

absl::StatusOr<v1::BatchCreateJobsResponse> JobCalls::BatchCreate(
    const v1::BatchCreateJobsRequest& request, const Identity& caller,
    absl::string_view traceparent) {
  RETURN_IF_ERROR(CheckBatch(request, parts_->call_limits.max_jobs_per_batch));
  if (!request.requests(0).validate_only()) RETURN_IF_ERROR(Admit(RequestsOf(request), caller));
  std::vector<PreparedJob> jobs;
  for (int i = 0; i < request.requests_size(); ++i) {
    absl::StatusOr<PreparedJob> job =
        PrepareJob(request.requests(i), caller.creator, parts_->pool->models(),
                   parts_->request_limits, traceparent);
    if (!job.ok()) return OfRequest(i, job.status());
    BindToCreator(job->new_job);
    jobs.push_back(*std::move(job));
  }
  RETURN_IF_ERROR(CheckReplyFits(jobs, parts_->call_limits.max_response_bytes));
  v1::BatchCreateJobsResponse response;
  if (request.requests(0).validate_only()) {
    for (PreparedJob& job : jobs) *response.add_jobs() = std::move(job.job);
    return response;
  }
  const absl::StatusOr<std::vector<JobRecord>> records = Store(jobs, caller);
  // Of a single job the store does not say which it is.
  if (!records.ok()) {
    return jobs.size() == 1 ? OfRequest(0, records.status()) : records.status();
  }
  for (const JobRecord& record : *records) *response.add_jobs() = Report(record);
  return response;
}

absl::StatusOr<v1::Job> JobCalls::Get(const v1::GetJobRequest& request, const Identity& caller) {
  ASSIGN_OR_RETURN(const std::string id, ParseJobName(request.name()));
  ASSIGN_OR_RETURN(const JobRecord record, GetVisible(*parts_->store, id, caller));
  return Report(record);
}

absl::StatusOr<v1::ListJobsResponse> JobCalls::List(const v1::ListJobsRequest& request,
                                                    const Identity& caller) {
  ASSIGN_OR_RETURN(const int page_size, ResolvePageSize(request.page_size()));
  ASSIGN_OR_RETURN(const JobQuery query, ToQuery(request.filter(), caller));
  const std::string text = QueryText(request.filter(), caller);
  ASSIGN_OR_RETURN(const std::optional<int64_t> cursor, ParsePageToken(request.page_token(), text));
  std::optional<PageCursor> after;
  if (cursor.has_value()) after = PageCursor{*cursor};
  for (int size = page_size;;) {
    ASSIGN_OR_RETURN(const JobPage page, parts_->store->List(query, size, after));
    v1::ListJobsResponse response;
    for (const JobRecord& record : page.jobs) *response.add_jobs() = parts_->hub->Report(record);
    const int count = response.jobs_size();
    if (static_cast<int64_t>(response.ByteSizeLong()) <= kLargestPageBytes || count <= 1) {
      if (page.next.has_value())
        response.set_next_page_token(MakePageToken(page.next->rowid, text));
      return response;
    }
    size = count / 2;  // large jobs: a page of fewer
  }
}

absl::StatusOr<v1::Job> JobCalls::Cancel(const v1::CancelJobRequest& request,
                                         const Identity& caller) {
  ASSIGN_OR_RETURN(const std::string id, ParseJobName(request.name()));
  RETURN_IF_ERROR(CheckVisible(id, caller));
  bool ended = false;
  ASSIGN_OR_RETURN(const JobRecord record,
                   WriteWithReserve([&] { return parts_->store->Cancel(id, &ended); }));
  if (ended) AuditChange(JobChange::kEnded, record);
  if (record.state == JobState::kRunning) {
    parts_->runner->Cancel(id);
  } else {
    parts_->hub->OnJobChanged(record);
  }
  return Report(record);
}

absl::Status JobCalls::Delete(const v1::DeleteJobRequest& request, const Identity& caller) {
  ASSIGN_OR_RETURN(const std::string id, ParseJobName(request.name()));
  RETURN_IF_ERROR(CheckVisible(id, caller));
  ASSIGN_OR_RETURN(const JobRecord record,
                   WriteWithReserve([&] { return parts_->store->Delete(id); }));
  AuditChange(JobChange::kDeleted, record);
  for (const BlobRef* blob : {&record.input, &record.checkpoint, &record.result}) {
    RemoveBlob(*parts_->blobs, blob->name);
  }
  parts_->hub->OnJobDeleted(id);
  return absl::OkStatus();
}

}  // namespace tweedie
