#include "core/jobs/sql/sql_job_archive.h"

#include "absl/strings/str_cat.h"
#include "core/base/finite_time.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_id.h"
#include "core/jobs/sql/job_row.h"

namespace tweedie::sql {
namespace {

// --- Reading --------------------------------------------------------------

absl::StatusOr<std::vector<ArchivedJob>> ReadRecords(Connection& db, int64_t after, int count) {
  ASSIGN_OR_RETURN(Statement select, db.Prepare(absl::StrCat("SELECT ", kJobColumns,
                                                             " FROM jobs WHERE row > ? "
                                                             "ORDER BY row LIMIT ?")));
  select.Bind(after).Bind(count);
  ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadJobs(db, std::move(select)));
  std::vector<ArchivedJob> jobs;
  jobs.reserve(rows.size());
  for (JobRow& row : rows) {
    jobs.emplace_back();
    jobs.back().row = row.row;
    jobs.back().record = std::move(row.job);
  }
  return jobs;
}

// Fills in what JobRecord does not hold.
absl::Status ReadRest(Connection& db, ArchivedJob& job) {
  ASSIGN_OR_RETURN(Statement select,
                   db.Prepare("SELECT j.furthest_step, j.lease_token, j.lease_end, r.request_id, "
                              "r.digest, r.expire_time FROM jobs AS j LEFT JOIN request_ids AS r "
                              "ON r.job_row = j.row WHERE j.row = ?"));
  ASSIGN_OR_RETURN(const bool found, select.Bind(job.row).Step());
  if (!found) return absl::InternalError("database: a job vanished within a transaction");
  job.furthest_step = static_cast<int>(select.Int(0));
  job.has_lease_token = !select.IsNull(1);
  if (!select.IsNull(2)) job.lease_end = absl::FromUnixMicros(select.Int(2));
  job.request_id = select.Bytes(3);
  job.request_digest = select.Bytes(4);
  job.request_is_spent = !select.IsNull(5);
  return absl::OkStatus();
}

// --- Adding ---------------------------------------------------------------

constexpr char kAddedColumns[] =
    "id, model, creator, priority, spec, num_images, cost_bytes, "
    "input_name, input_size, input_sha256, "
    "state, sequence, attempt, crashes, cancel_requested, "
    "progress_step, progress_num_steps, progress_timestep, furthest_step, "
    "checkpoint_name, checkpoint_size, checkpoint_sha256, "
    "result_name, result_size, result_sha256, outcome, "
    "failure_code, failure_message, failure_reason, "
    "server, device, create_time, start_time, end_time, expire_time";
constexpr size_t kNumAddedColumns = 35;

void BindTime(Statement& insert, absl::Time time) {
  IsFinite(time) ? insert.Bind(absl::ToUnixMicros(time)) : insert.BindNull();
}

// In the order of kAddedColumns.
void BindJob(Statement& insert, const ArchivedJob& archived) {
  const JobRecord& job = archived.record;
  insert.Bind(job.id).Bind(job.model).Bind(job.creator);
  insert.Bind(static_cast<int64_t>(job.priority)).BindBlob(job.spec);
  insert.Bind(job.num_images).Bind(job.cost_bytes);
  BindBlobRef(insert, job.input);
  insert.Bind(static_cast<int64_t>(job.state)).Bind(job.sequence).Bind(job.attempt);
  insert.Bind(job.crashes).Bind(job.cancel_requested ? 1 : 0);
  insert.Bind(job.progress.step).Bind(job.progress.num_steps).Bind(job.progress.timestep);
  insert.Bind(archived.furthest_step);
  BindBlobRef(insert, job.checkpoint);
  BindBlobRef(insert, job.result);
  insert.BindBlob(job.outcome);
  BindFailure(insert, job.failure);
  insert.Bind(job.server).Bind(job.device);
  BindTime(insert, job.create_time);
  BindTime(insert, job.start_time);
  BindTime(insert, job.end_time);
  BindTime(insert, job.expire_time);
}

absl::StatusOr<bool> HasJob(Connection& db, absl::string_view id) {
  ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT 1 FROM jobs WHERE id = ?"));
  return select.Bind(id).Step();
}

// Returns its row.
absl::StatusOr<int64_t> InsertWhole(Connection& db, const ArchivedJob& job) {
  JobRow row{0, job.record};
  {
    ASSIGN_OR_RETURN(Statement insert,
                     db.Prepare(absl::StrCat("INSERT INTO jobs (", kAddedColumns, ") VALUES (",
                                             Parameters(kNumAddedColumns), ") RETURNING row")));
    BindJob(insert, job);
    ASSIGN_OR_RETURN(const bool made, insert.Step());
    if (!made) return absl::InternalError("database: an insert returned no row");
    row.row = insert.Int(0);
  }
  RETURN_IF_ERROR(InsertLabels(db, row));
  return row.row;
}

// Remembers a request id; false if it is known already. A job that is there has no
// `expire_time` of it.
absl::StatusOr<bool> InsertRequest(Connection& db, const SpentRequest& request, int64_t job_row) {
  ASSIGN_OR_RETURN(Statement insert,
                   db.Prepare("INSERT INTO request_ids "
                              "(request_id, digest, job_row, create_time, expire_time) "
                              "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING job_row"));
  insert.Bind(request.id).Bind(request.digest).Bind(job_row);
  insert.Bind(absl::ToUnixMicros(request.create_time));
  BindTime(insert, request.expire_time);
  return insert.Step();
}

absl::Status AddJob(Connection& db, const ArchivedJob& job, Added& added) {
  ASSIGN_OR_RETURN(const bool known, HasJob(db, job.record.id));
  if (known) {
    ++added.known_jobs;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const int64_t row, InsertWhole(db, job));
  ++added.jobs;
  if (job.request_id.empty()) return absl::OkStatus();
  SpentRequest request{job.request_id, job.request_digest, job.record.create_time};
  ASSIGN_OR_RETURN(const bool is_new, InsertRequest(db, request, row));
  if (!is_new) ++added.known_requests;
  return absl::OkStatus();
}

// The request ids of deleted jobs point to rows that no job has: here to negative
// ones, each below the last.
absl::Status AddRequest(Connection& db, const SpentRequest& request, Added& added) {
  ASSIGN_OR_RETURN(
      const int64_t row,
      db.QueryInt("SELECT CASE WHEN MIN(job_row) < 0 THEN MIN(job_row) - 1 ELSE -1 END "
                  "FROM request_ids"));
  ASSIGN_OR_RETURN(const bool is_new, InsertRequest(db, request, row));
  if (!is_new) ++added.known_requests;
  return absl::OkStatus();
}

// An error of one job among many, which names it.
absl::Status OfJob(const ArchivedJob& job, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("job ", job.record.id, ": ", status.message()));
}

absl::Status CheckAddable(const ArchivedJob& job) {
  if (job.record.state != JobState::kRunning) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("job ", job.record.id, " is RUNNING; only its server has its lease"));
}

// --- Repairing ------------------------------------------------------------

constexpr char kNoInput[] = "input_name = '', input_size = 0, input_sha256 = ''";
constexpr char kNoCheckpoint[] =
    "checkpoint_name = '', checkpoint_size = 0, checkpoint_sha256 = ''";
constexpr char kNoResult[] = "result_name = '', result_size = 0, result_sha256 = ''";

// The parameters of these are the id and the lost blob.
std::string DropCheckpointSql() {
  return absl::StrCat("UPDATE jobs SET ", kNoCheckpoint,
                      ", progress_step = CASE WHEN state > 2 THEN progress_step ELSE 0 END, "
                      "progress_timestep = CASE WHEN state > 2 THEN progress_timestep ELSE 0 END "
                      "WHERE id = ? AND checkpoint_name = ? RETURNING row");
}

std::string ForgetInputSql() {
  return absl::StrCat("UPDATE jobs SET ", kNoInput,
                      " WHERE id = ? AND input_name = ? AND state > 2 RETURNING row");
}

std::string ForgetResultSql() {
  return absl::StrCat("UPDATE jobs SET ", kNoResult,
                      " WHERE id = ? AND result_name = ? AND state = 3 RETURNING row");
}

// The sequence is beyond any that a runner can have published.
std::string LoseInputSql(const Dialect& dialect) {
  return absl::StrCat(
      "UPDATE jobs SET state = 4, end_time = ?, expire_time = ?, failure_code = ?, "
      "failure_message = ?, failure_reason = 'DATA_LOSS', sequence = ",
      Greatest(dialect, absl::StrCat("sequence, ", kEndOfAttempt)), " + 1, ", kNoInput, ", ",
      kNoCheckpoint,
      ", lease_token = NULL, lease_end = NULL "
      "WHERE id = ? AND input_name = ? AND state IN (1, 2) RETURNING row");
}

absl::StatusOr<Statement> PrepareRepair(Connection& db, JobRepair repair) {
  switch (repair) {
    case JobRepair::kDropCheckpoint:
      return db.Prepare(DropCheckpointSql());
    case JobRepair::kForgetResult:
      return db.Prepare(ForgetResultSql());
    case JobRepair::kForgetInput:
      return db.Prepare(ForgetInputSql());
    case JobRepair::kLoseInput:
      break;
  }
  ASSIGN_OR_RETURN(Statement lose, db.Prepare(LoseInputSql(db.dialect())));
  const absl::Time now = db.Now();
  lose.Bind(absl::ToUnixMicros(now)).Bind(absl::ToUnixMicros(now + RetentionPolicy().failed));
  lose.Bind(static_cast<int64_t>(absl::StatusCode::kDataLoss));
  lose.Bind(
      "the job's images are lost: its server found them missing or damaged when it was "
      "checked");
  return lose;
}

}  // namespace

absl::StatusOr<std::vector<ArchivedJob>> SqlJobArchive::Jobs(int64_t after, int count) {
  using Jobs = std::vector<ArchivedJob>;
  return database_->Read<Jobs>([&](Connection& db) -> absl::StatusOr<Jobs> {
    ASSIGN_OR_RETURN(Jobs jobs, ReadRecords(db, after, count));
    for (ArchivedJob& job : jobs) RETURN_IF_ERROR(ReadRest(db, job));
    return jobs;
  });
}

absl::StatusOr<std::vector<SpentRequest>> SqlJobArchive::SpentRequests(absl::string_view after,
                                                                       int count) {
  using Requests = std::vector<SpentRequest>;
  return database_->Read<Requests>([&](Connection& db) -> absl::StatusOr<Requests> {
    ASSIGN_OR_RETURN(
        Statement select,
        db.Prepare("SELECT request_id, digest, create_time, expire_time FROM request_ids "
                   "WHERE request_id > ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE row = job_row) "
                   "ORDER BY request_id LIMIT ?"));
    select.Bind(after).Bind(count);
    Requests requests;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, select.Step());
      if (!more) return requests;
      SpentRequest request{select.Bytes(0), select.Bytes(1), absl::FromUnixMicros(select.Int(2))};
      if (!select.IsNull(3)) request.expire_time = absl::FromUnixMicros(select.Int(3));
      requests.push_back(std::move(request));
    }
  });
}

absl::StatusOr<bool> SqlJobArchive::Has(absl::string_view job_id) {
  return database_->Read<bool>([&](Connection& db) { return HasJob(db, job_id); });
}

absl::StatusOr<Added> SqlJobArchive::Add(const std::vector<ArchivedJob>& jobs,
                                         const std::vector<SpentRequest>& requests) {
  for (const ArchivedJob& job : jobs) RETURN_IF_ERROR(CheckAddable(job));
  return database_->Write<Added>([&](Connection& db) -> absl::StatusOr<Added> {
    RETURN_IF_ERROR(db.LockQueue());
    Added added;
    for (const ArchivedJob& job : jobs) RETURN_IF_ERROR(OfJob(job, AddJob(db, job, added)));
    for (const SpentRequest& request : requests) RETURN_IF_ERROR(AddRequest(db, request, added));
    if (added.jobs > 0) db.Announce(QueueNews());
    return added;
  });
}

absl::Status SqlJobArchive::Repair(absl::string_view job_id, JobRepair repair,
                                   absl::string_view blob) {
  return database_->Write([&](Connection& db) -> absl::Status {
    ASSIGN_OR_RETURN(Statement update, PrepareRepair(db, repair));
    ASSIGN_OR_RETURN(const bool done, update.Bind(job_id).Bind(blob).Step());
    if (done) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool known, HasJob(db, job_id));
    if (!known) return NoSuchJob(job_id);
    return absl::FailedPreconditionError(
        absl::StrCat("job ", job_id, " is not in a state in which this can be repaired, or ", blob,
                     " is not its blob any more"));
  });
}

}  // namespace tweedie::sql
