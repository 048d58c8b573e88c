// What the front door asks of the queue: Create, Get, List, Cancel, Delete.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_id.h"
#include "core/jobs/sql/job_row.h"
#include "core/jobs/sql/sql_job_store.h"

namespace tweedie::sql {
namespace {

absl::StatusOr<JobRecord> GetJob(Connection& db, absl::string_view id) {
  ASSIGN_OR_RETURN(std::optional<JobRow> row, FindJob(db, id));
  if (!row.has_value()) return NoSuchJob(id);
  return std::move(row->job);
}

// --- Create ---------------------------------------------------------------

// The path of a field of request `index` of `count`.
std::string FieldPath(size_t index, size_t count, absl::string_view field) {
  return count == 1 ? std::string(field) : absl::StrCat("requests[", index, "].", field);
}

// ALREADY_EXISTS for a field: FieldOf() finds it, InField() leaves it alone.
absl::Status Taken(const std::string& field, absl::string_view problem) {
  absl::Status status = absl::AlreadyExistsError(absl::StrCat(field, " ", problem));
  status.SetPayload("tweedie/field", absl::Cord(field));
  return status;
}

absl::Status CheckDistinct(const std::vector<NewJob>& jobs) {
  std::set<absl::string_view> ids;
  std::set<absl::string_view> request_ids;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const NewJob& job = jobs[i];
    if (!ids.insert(job.record.id).second) {
      return FieldError(FieldPath(i, jobs.size(), "job_id"),
                        absl::StrCat("must differ from all others; was ", job.record.id));
    }
    if (!job.request_id.empty() && !request_ids.insert(job.request_id).second) {
      return FieldError(FieldPath(i, jobs.size(), "request_id"),
                        absl::StrCat("must differ from all others; was ", job.request_id));
    }
  }
  return absl::OkStatus();
}

// Room in the queue, within one transaction.
class Quota {
 public:
  Quota(Connection& db, const CreateLimits& limits) : db_(db), limits_(limits) {}

  // Whether inputs of `jobs`, those that one call adds, can be queued together at
  // all: what never fits must not be tried again.
  absl::Status CheckCanFit(const std::vector<const JobRecord*>& jobs) const {
    int64_t all = 0;
    std::map<absl::string_view, int64_t> by_creator;
    for (const JobRecord* job : jobs) {
      all += job->input.size;
      by_creator[job->creator] += job->input.size;
    }
    RETURN_IF_ERROR(CheckCanFit(all, limits_.max_queued_bytes));
    for (const auto& [creator, bytes] : by_creator) {
      RETURN_IF_ERROR(CheckCanFit(bytes, limits_.max_queued_bytes_per_creator));
    }
    return absl::OkStatus();
  }

  // Takes a place for `job`, or says which limit is met.
  absl::Status Take(const JobRecord& job) {
    if (!queued_.has_value()) {
      ASSIGN_OR_RETURN(queued_, Measure(std::nullopt));
    }
    ASSIGN_OR_RETURN(Usage* const own, UsageOf(job.creator));
    RETURN_IF_ERROR(CheckQueue(job));
    RETURN_IF_ERROR(CheckShare(*own, job));
    queued_->Add(job);
    own->Add(job);
    return absl::OkStatus();
  }

 private:
  struct Usage {
    int64_t jobs = 0;
    int64_t bytes = 0;
    void Add(const JobRecord& job) {
      ++jobs;
      bytes += job.input.size;
    }
  };

  // Of all queued jobs, or of one creator's.
  absl::StatusOr<Usage> Measure(const std::optional<std::string>& creator) {
    ASSIGN_OR_RETURN(Statement select,
                     db_.Prepare(absl::StrCat(
                         "SELECT COUNT(*), CAST(COALESCE(SUM(input_size), 0) AS BIGINT) FROM jobs",
                         IndexedBy(db_.dialect(), "jobs_queued"), " WHERE state = 1",
                         creator.has_value() ? " AND creator = ?" : "")));
    if (creator.has_value()) select.Bind(*creator);
    ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return absl::InternalError("database: no row from COUNT");
    return Usage{select.Int(0), select.Int(1)};
  }
  absl::StatusOr<Usage*> UsageOf(const std::string& creator) {
    const auto found = by_creator_.find(creator);
    if (found != by_creator_.end()) return &found->second;
    ASSIGN_OR_RETURN(const Usage usage, Measure(creator));
    return &(by_creator_[creator] = usage);
  }

  static bool Exceeds(int64_t bytes, int64_t limit) { return limit > 0 && bytes > limit; }
  static absl::Status CheckCanFit(int64_t bytes, int64_t limit) {
    if (!Exceeds(bytes, limit)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("images of what this call queues take ", bytes,
                                                   " bytes, and at most ", limit,
                                                   " may be queued"));
  }
  absl::Status CheckQueue(const JobRecord& job) const {
    if (queued_->jobs >= limits_.max_queued) {
      return Full("queue", absl::StrCat("the queue is full: ", queued_->jobs,
                                        " jobs are queued, at most ", limits_.max_queued, " may"));
    }
    if (!Exceeds(queued_->bytes + job.input.size, limits_.max_queued_bytes)) {
      return absl::OkStatus();
    }
    return Full("queue_bytes", absl::StrCat("the queue is full: images of queued jobs take ",
                                            queued_->bytes, " bytes, this job's ", job.input.size,
                                            ", at most ", limits_.max_queued_bytes, " may"));
  }
  absl::Status CheckShare(const Usage& own, const JobRecord& job) const {
    if (own.jobs >= limits_.max_queued_per_creator) {
      return Full("creator", absl::StrCat("your share of the queue is full: ", own.jobs,
                                          " of your jobs are queued, at most ",
                                          limits_.max_queued_per_creator, " may"));
    }
    if (!Exceeds(own.bytes + job.input.size, limits_.max_queued_bytes_per_creator)) {
      return absl::OkStatus();
    }
    return Full("creator_bytes",
                absl::StrCat("your share of the queue is full: images of your queued jobs take ",
                             own.bytes, " bytes, this job's ", job.input.size, ", at most ",
                             limits_.max_queued_bytes_per_creator, " may"));
  }
  static absl::Status Full(absl::string_view what, const std::string& message) {
    absl::Status status = absl::ResourceExhaustedError(message);
    status.SetPayload(kQuotaPayload, absl::Cord(what));
    return status;
  }

  Connection& db_;
  const CreateLimits limits_;
  std::optional<Usage> queued_;
  std::map<std::string, Usage> by_creator_;
};

absl::StatusOr<bool> IsKnown(Connection& db, const std::string& request_id) {
  if (request_id.empty()) return false;
  ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT 1 FROM request_ids WHERE request_id = ?"));
  return select.Bind(request_id).Step();
}

// The job that `request` made earlier, as it is now; nullopt if its request id
// is new (or empty).
absl::StatusOr<std::optional<JobRecord>> FindEarlier(Connection& db, const NewJob& request,
                                                     const std::string& field) {
  if (request.request_id.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Statement select,
                   db.Prepare("SELECT digest, job_row FROM request_ids WHERE request_id = ?"));
  ASSIGN_OR_RETURN(const bool known, select.Bind(request.request_id).Step());
  if (!known) return std::nullopt;
  if (select.Bytes(0) != request.request_digest) {
    return Taken(field, absl::StrCat("was used with another request; was ", request.request_id));
  }
  ASSIGN_OR_RETURN(std::optional<JobRow> row, FindJob(db, select.Int(1)));
  if (!row.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("the job made by request_id ", request.request_id, " was deleted"));
  }
  return std::move(row->job);
}

// What FindEarlier() finds of each.
using Earlier = std::vector<std::optional<JobRecord>>;
absl::StatusOr<Earlier> FindAllEarlier(Connection& db, const std::vector<NewJob>& jobs) {
  Earlier earlier(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    ASSIGN_OR_RETURN(earlier[i], FindEarlier(db, jobs[i], FieldPath(i, jobs.size(), "request_id")));
  }
  return earlier;
}

// Those that are not there yet.
std::vector<const JobRecord*> NewOnes(const std::vector<NewJob>& jobs, const Earlier& earlier) {
  std::vector<const JobRecord*> records;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (!earlier[i].has_value()) records.push_back(&jobs[i].record);
  }
  return records;
}

absl::Status CheckIdFree(Connection& db, const std::string& id, const std::string& field) {
  ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT 1 FROM jobs WHERE id = ?"));
  ASSIGN_OR_RETURN(const bool taken, select.Bind(id).Step());
  if (!taken) return absl::OkStatus();
  return Taken(field, absl::StrCat("must be the id of no other job; was ", id));
}

absl::Status RememberRequest(Connection& db, const NewJob& request, const JobRow& row) {
  if (request.request_id.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement insert,
                   db.Prepare("INSERT INTO request_ids (request_id, digest, job_row, create_time) "
                              "VALUES (?, ?, ?, ?)"));
  insert.Bind(request.request_id).Bind(request.request_digest).Bind(row.row);
  return insert.Bind(absl::ToUnixMicros(row.job.create_time)).Run();
}

// Queues a new job, whose id is the request's `field`.
absl::StatusOr<JobRecord> Insert(Connection& db, const NewJob& request, Quota& quota,
                                 const std::string& field, absl::Time now) {
  RETURN_IF_ERROR(CheckIdFree(db, request.record.id, field));
  RETURN_IF_ERROR(quota.Take(request.record));
  ASSIGN_OR_RETURN(JobRow row, InsertJob(db, request.record, now));
  RETURN_IF_ERROR(RememberRequest(db, request, row));
  return std::move(row.job);
}

// --- List -----------------------------------------------------------------

std::string ListSql(const JobQuery& query, bool after) {
  std::string sql = absl::StrCat("SELECT ", kJobColumns, " FROM jobs WHERE TRUE");
  if (after) absl::StrAppend(&sql, " AND row < ?");
  if (!query.states.empty()) {
    absl::StrAppend(&sql, " AND state IN (", Parameters(query.states.size()), ")");
  }
  for (size_t i = 0; i < query.labels.size(); ++i) {
    absl::StrAppend(&sql, " AND row IN (SELECT job_row FROM labels WHERE key = ? AND value = ?)");
  }
  if (query.creator.has_value()) absl::StrAppend(&sql, " AND creator = ?");
  if (query.model.has_value()) absl::StrAppend(&sql, " AND model = ?");
  return absl::StrCat(sql, " ORDER BY row DESC LIMIT ?");
}

// In the order of ListSql().
void BindList(Statement& select, const JobQuery& query, std::optional<PageCursor> after) {
  if (after.has_value()) select.Bind(after->rowid);
  for (const JobState state : query.states) select.Bind(static_cast<int64_t>(state));
  for (const auto& [key, value] : query.labels) select.Bind(key).Bind(value);
  if (query.creator.has_value()) select.Bind(*query.creator);
  if (query.model.has_value()) select.Bind(*query.model);
}

// From one row more than the page holds.
JobPage MakePage(std::vector<JobRow> rows, size_t page_size) {
  JobPage page;
  if (rows.size() > page_size) {
    rows.resize(page_size);
    page.next = PageCursor{rows.back().row};
  }
  for (JobRow& row : rows) page.jobs.push_back(std::move(row.job));
  return page;
}

}  // namespace

absl::StatusOr<std::vector<JobRecord>> SqlJobStore::Create(const std::vector<NewJob>& jobs,
                                                           const CreateLimits& limits,
                                                           std::vector<bool>* created) {
  RETURN_IF_ERROR(CheckDistinct(jobs));
  using Records = std::vector<JobRecord>;
  std::vector<bool> made(jobs.size());
  const auto make = [&](Connection& db) -> absl::StatusOr<Records> {
    RETURN_IF_ERROR(db.LockQueue());
    Quota quota(db, limits);
    ASSIGN_OR_RETURN(Earlier earlier, FindAllEarlier(db, jobs));
    RETURN_IF_ERROR(quota.CheckCanFit(NewOnes(jobs, earlier)));
    Records records;
    for (size_t i = 0; i < jobs.size(); ++i) {
      std::optional<JobRecord>& record = earlier[i];
      made[i] = !record.has_value();
      if (made[i]) {
        const std::string field = FieldPath(i, jobs.size(), "job_id");
        ASSIGN_OR_RETURN(record, Insert(db, jobs[i], quota, field, db.Now()));
        db.Announce({.changed = {record->id}});
      }
      records.push_back(*std::move(record));
    }
    if (std::count(made.begin(), made.end(), true) > 0) db.Announce(QueueNews());
    return records;
  };
  ASSIGN_OR_RETURN(Records records, database_->Write<Records>(make));
  if (created != nullptr) *created = std::move(made);
  return records;
}

absl::Status SqlJobStore::CheckRoom(const std::vector<NewJob>& jobs, const CreateLimits& limits) {
  return database_->Read([&](Connection& db) -> absl::Status {
    Quota quota(db, limits);
    for (const NewJob& job : jobs) {
      ASSIGN_OR_RETURN(const bool known, IsKnown(db, job.request_id));
      if (!known) RETURN_IF_ERROR(quota.Take(job.record));
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<JobRecord> SqlJobStore::Get(absl::string_view id) {
  return database_->Read<JobRecord>(
      [&](Connection& db) -> absl::StatusOr<JobRecord> { return GetJob(db, id); });
}

absl::StatusOr<JobPage> SqlJobStore::List(const JobQuery& query, int page_size,
                                          std::optional<PageCursor> after) {
  if (page_size < 1) {
    return FieldError("page_size", absl::StrCat("must be at least 1; was ", page_size));
  }
  return database_->Read<JobPage>([&](Connection& db) -> absl::StatusOr<JobPage> {
    ASSIGN_OR_RETURN(Statement select, db.Prepare(ListSql(query, after.has_value())));
    BindList(select, query, after);
    select.Bind(int64_t{page_size} + 1);
    ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadJobs(db, std::move(select)));
    return MakePage(std::move(rows), static_cast<size_t>(page_size));
  });
}

absl::StatusOr<JobRecord> SqlJobStore::Cancel(absl::string_view id, bool* ended) {
  bool ends = false;
  const auto cancel_job = [&](Connection& db) -> absl::StatusOr<JobRecord> {
    // One statement: between two, the job could go from RUNNING to QUEUED and
    // be met by neither.
    ASSIGN_OR_RETURN(Statement cancel,
                     db.Prepare("UPDATE jobs SET cancel_requested = 1, "
                                "sequence = CASE state WHEN 1 THEN sequence + 1 ELSE sequence END, "
                                "end_time = CASE state WHEN 1 THEN ? ELSE end_time END, "
                                "expire_time = CASE state WHEN 1 THEN ? ELSE expire_time END, "
                                "state = CASE state WHEN 1 THEN 5 ELSE state END "
                                "WHERE id = ? AND (state = 1 OR "
                                "(state = 2 AND cancel_requested = 0)) RETURNING state"));
    const int64_t now = Now(db);
    cancel.Bind(now).Bind(ExpiryOf(JobState::kCancelled, now)).Bind(id);
    ASSIGN_OR_RETURN(const bool changed, cancel.Step());
    ends = changed && cancel.Int(0) == static_cast<int64_t>(JobState::kCancelled);
    if (changed) RETURN_IF_ERROR(cancel.Run());
    ASSIGN_OR_RETURN(JobRecord job, GetJob(db, id));
    if (job.state == JobState::kRunning) db.Announce({.cancelled = job.id});
    if (job.state == JobState::kCancelled) db.Announce({.changed = {job.id}});
    return job;
  };
  ASSIGN_OR_RETURN(JobRecord job, database_->Write<JobRecord>(cancel_job));
  if (ended != nullptr) *ended = ends;
  return job;
}

absl::StatusOr<JobRecord> SqlJobStore::Delete(absl::string_view id) {
  return database_->Write<JobRecord>([&](Connection& db) -> absl::StatusOr<JobRecord> {
    ASSIGN_OR_RETURN(std::optional<JobRow> row, FindJob(db, id));
    if (!row.has_value()) return NoSuchJob(id);
    if (!HasEnded(row->job.state)) {
      return absl::FailedPreconditionError(
          absl::StrCat("job ", id, " has not ended; cancel it first"));
    }
    RETURN_IF_ERROR(DeleteRow(db, row->row));
    db.Announce({.changed = {row->job.id}});
    return std::move(row->job);
  });
}

}  // namespace tweedie::sql
