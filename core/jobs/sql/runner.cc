// What the runner asks of the queue: Claim, and writes fenced by its lease.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/failpoint.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"
#include "core/jobs/sequence.h"
#include "core/jobs/sql/job_row.h"
#include "core/jobs/sql/sql_job_store.h"

namespace tweedie::sql {
namespace {

// The condition of every write by a runner: the lease is still the job's. A
// test's control switches it off, to see that its absence is noticed.
absl::string_view Fence() {
  if (!HitFailpoint("fence").ok()) {
    return " WHERE id = ? AND (attempt = ? OR TRUE) AND (lease_token = ? OR TRUE)";
  }
  return " WHERE id = ? AND attempt = ? AND lease_token = ? AND state = 2";
}

Statement& BindFence(Statement& statement, const Lease& lease) {
  return statement.Bind(lease.job_id).Bind(lease.attempt).Bind(StoredBits(lease.token));
}

absl::Status LeaseLost(const Lease& lease) {
  return absl::FailedPreconditionError(absl::StrCat(
      "lease lost: job ", lease.job_id, " is no longer run by attempt ", lease.attempt));
}

// Runs a fenced UPDATE of the job's state, which returns the job.
absl::StatusOr<JobRecord> JobUnderLease(Connection& db, Statement update, const Lease& lease) {
  ASSIGN_OR_RETURN(std::optional<JobRow> row, ReadJob(db, std::move(update)));
  if (!row.has_value()) return LeaseLost(lease);
  db.Announce({.changed = {row->job.id}});
  return std::move(row->job);
}

// The job, if it was this lease's holder who ended it, and in this way: the same
// call was made before, and its answer lost.
absl::StatusOr<JobRecord> JobEndedBefore(Connection& db, const Lease& lease, JobState state,
                                         const JobEnd& end) {
  ASSIGN_OR_RETURN(std::optional<JobRow> row, FindJob(db, lease.job_id));
  const bool same = row.has_value() && row->job.attempt == lease.attempt &&
                    row->job.state == state && row->job.result.name == end.result.name &&
                    row->job.sequence > end.last_sequence;
  if (!same) return LeaseLost(lease);
  return std::move(row->job);
}

absl::Status CheckLastSequence(const Lease& lease, int64_t last_sequence) {
  if (last_sequence >= 0 && last_sequence < EndOfAttempt(lease.attempt)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("last_sequence ", last_sequence,
                                                 " is not of attempt ", lease.attempt, " of job ",
                                                 lease.job_id));
}

// The state that `end` leads to.
absl::StatusOr<JobState> StateAfter(const JobEnd& end) {
  const std::optional<JobState> state = NextState(JobState::kRunning, end.event);
  if (!state.has_value() || !HasEnded(*state)) {
    return absl::InvalidArgumentError("the event does not end a running job");
  }
  if (*state == JobState::kFailed && !end.failure.has_value()) {
    return absl::InvalidArgumentError("a failed job must say why");
  }
  return *state;
}

// Claims that go on at the same time each take one of the first jobs; more than
// so many at once leave some of them empty-handed until their next try.
constexpr int kMaxClaimsAtOnce = 32;

// A common table expression: the jobs that go first.
std::string HeadCte(const Dialect& dialect, const ClaimRequest& request) {
  const std::string except =
      request.except.empty()
          ? ""
          : absl::StrCat(" AND j.id NOT IN (", Parameters(request.except.size()), ")");
  return absl::StrCat("head (row, score, cost_bytes) AS MATERIALIZED (SELECT j.row, ",
                      ScoreSql("j"), ", j.cost_bytes FROM jobs AS j",
                      IndexedBy(dialect, "jobs_queued"), " WHERE j.state = 1 AND j.model IN (",
                      Parameters(request.models.size()), ") AND j.cost_bytes <= ?", except,
                      " ORDER BY 2, 1 LIMIT ", dialect.locks_rows ? kMaxClaimsAtOnce : 1, ")");
}

// The row of the first job that no other claim is taking; none if the very first
// costs more than there is room for. (Its lock must not be tried for then, or
// another server, passing over it, would let a small job overtake.)
std::string FirstUnlockedSql() {
  return "SELECT j.row FROM jobs AS j JOIN head ON head.row = j.row WHERE j.state = 1 "
         "AND (SELECT h.cost_bytes FROM head AS h ORDER BY h.score, h.row LIMIT 1) <= ? "
         "ORDER BY head.score, head.row LIMIT 1 FOR UPDATE OF j SKIP LOCKED";
}

std::string ClaimSql(const Dialect& dialect, const ClaimRequest& request) {
  return absl::StrCat(
      "WITH ", RunningCte(dialect), ", ", HeadCte(dialect, request),
      " UPDATE jobs SET state = 2, attempt = attempt + 1, crashes = crashes + 1, "
      "sequence = (attempt + 1) << 32, server = ?, device = ?, lease_token = ?, lease_end = ?, "
      "start_time = COALESCE(start_time, ?) WHERE row = (",
      dialect.locks_rows ? FirstUnlockedSql() : "SELECT row FROM head",
      ") AND cost_bytes <= ? RETURNING ", kJobColumns);
}

// In the order of ClaimSql().
void BindClaim(Statement& update, const Dialect& dialect, const ClaimRequest& request,
               uint64_t token, int64_t now) {
  for (const std::string& model : request.models) update.Bind(model);
  update.Bind(request.most_cost_bytes);
  for (const std::string& id : request.except) update.Bind(id);
  update.Bind(request.server).Bind(request.device).Bind(StoredBits(token));
  update.Bind(now + absl::ToInt64Microseconds(request.lease_duration)).Bind(now);
  if (dialect.locks_rows) update.Bind(request.max_cost_bytes);
  update.Bind(request.max_cost_bytes);
}

// `furthest_step` outlives attempts, so repeating old steps resets nothing.
std::string CheckpointSql(const Dialect& dialect) {
  return absl::StrCat(
      "UPDATE jobs SET progress_step = ?, progress_num_steps = ?, progress_timestep = ?, "
      "checkpoint_name = ?, checkpoint_size = ?, checkpoint_sha256 = ?, "
      "crashes = CASE WHEN ? > furthest_step THEN 1 ELSE crashes END, furthest_step = ",
      Greatest(dialect, "furthest_step, ?"), Fence(), " RETURNING row");
}

std::string FinishSql(const Dialect& dialect) {
  return absl::StrCat(
      "UPDATE jobs SET state = ?, sequence = ", Greatest(dialect, "sequence, ?"),
      " + 1, crashes = ", Greatest(dialect, "crashes - 1, 0"),
      ", progress_step = ?, progress_num_steps = ?, progress_timestep = ?, "
      "checkpoint_name = '', checkpoint_size = 0, checkpoint_sha256 = '', "
      "result_name = ?, result_size = ?, result_sha256 = ?, outcome = ?, end_time = ?, "
      "expire_time = ?, failure_code = ?, failure_message = ?, failure_reason = ?, "
      "lease_token = NULL, lease_end = NULL",
      Fence(), " RETURNING ", kJobColumns);
}

std::string ReleaseSql(const Dialect& dialect) {
  return absl::StrCat(
      "UPDATE jobs SET ", kRequeueSql, ", sequence = ", Greatest(dialect, "sequence, ?"),
      " + 1, crashes = ", Greatest(dialect, "crashes - 1, 0"), Fence(), " RETURNING ", kJobColumns);
}

// Takes back the crash of an attempt that was lost while its process lived; not the
// one of the attempt that runs now.
absl::Status ForgiveCrash(Connection& db, const Lease& lease) {
  ASSIGN_OR_RETURN(Statement update,
                   db.Prepare("UPDATE jobs SET crashes = crashes - 1 WHERE id = ? AND "
                              "((state = 1 AND attempt >= ? AND crashes > 0) OR "
                              "(state = 2 AND attempt > ? AND crashes > 1))"));
  return update.Bind(lease.job_id).Bind(lease.attempt).Bind(lease.attempt).Run();
}

void BindProgress(Statement& statement, const JobProgress& progress) {
  statement.Bind(progress.step).Bind(progress.num_steps).Bind(progress.timestep);
}

}  // namespace

absl::StatusOr<std::optional<Claimed>> SqlJobStore::Claim(const ClaimRequest& request) {
  using Row = std::optional<JobRow>;
  if (request.models.empty()) return std::nullopt;
  const uint64_t token = RandomBits();
  const auto claim = [&](Connection& db) -> absl::StatusOr<Row> {
    ASSIGN_OR_RETURN(Statement update, db.Prepare(ClaimSql(db.dialect(), request)));
    BindClaim(update, db.dialect(), request, token, Now(db));
    ASSIGN_OR_RETURN(Row row, ReadJob(db, std::move(update)));
    if (row.has_value()) db.Announce({.changed = {row->job.id}});
    return row;
  };
  ASSIGN_OR_RETURN(Row row, database_->Write<Row>(claim));
  if (!row.has_value()) return std::nullopt;
  Lease lease{row->job.id, row->job.attempt, token};
  return Claimed{std::move(lease), std::move(row->job)};
}

absl::StatusOr<std::vector<JobRunnerStore::HeartbeatResult>> SqlJobStore::Heartbeat(
    const std::vector<Lease>& leases, absl::Duration duration) {
  using Results = std::vector<HeartbeatResult>;
  return database_->WriteUrgently<Results>([&](Connection& db) -> absl::StatusOr<Results> {
    const int64_t end = Now(db) + absl::ToInt64Microseconds(duration);
    Results results;
    for (const Lease& lease : leases) {
      ASSIGN_OR_RETURN(Statement extend,
                       db.Prepare(absl::StrCat("UPDATE jobs SET lease_end = ?", Fence(),
                                               " RETURNING cancel_requested")));
      ASSIGN_OR_RETURN(const bool held, BindFence(extend.Bind(end), lease).Step());
      results.push_back({held, held && extend.Int(0) != 0});
    }
    return results;
  });
}

absl::StatusOr<BlobRef> SqlJobStore::Checkpoint(const Lease& lease, const JobProgress& progress,
                                                const BlobRef& blob) {
  return database_->Write<BlobRef>([&](Connection& db) -> absl::StatusOr<BlobRef> {
    ASSIGN_OR_RETURN(const std::optional<JobRow> before, FindJob(db, lease.job_id));
    ASSIGN_OR_RETURN(Statement update, db.Prepare(CheckpointSql(db.dialect())));
    BindProgress(update, progress);
    BindBlobRef(update, blob);
    update.Bind(progress.step).Bind(progress.step);
    ASSIGN_OR_RETURN(const bool held, BindFence(update, lease).Step());
    if (!held || !before.has_value()) return LeaseLost(lease);
    return before->job.checkpoint;
  });
}

absl::StatusOr<JobRecord> SqlJobStore::Finish(const Lease& lease, const JobEnd& end) {
  ASSIGN_OR_RETURN(const JobState state, StateAfter(end));
  RETURN_IF_ERROR(CheckLastSequence(lease, end.last_sequence));
  return database_->Write<JobRecord>([&](Connection& db) -> absl::StatusOr<JobRecord> {
    ASSIGN_OR_RETURN(Statement update, db.Prepare(FinishSql(db.dialect())));
    const int64_t now = Now(db);
    update.Bind(static_cast<int64_t>(state)).Bind(end.last_sequence);
    BindProgress(update, end.progress);
    BindBlobRef(update, end.result);
    update.BindBlob(end.outcome).Bind(now).Bind(ExpiryOf(state, now));
    BindFailure(update, state == JobState::kFailed ? end.failure : std::nullopt);
    BindFence(update, lease);
    absl::StatusOr<JobRecord> ended = JobUnderLease(db, std::move(update), lease);
    if (!absl::IsFailedPrecondition(ended.status())) return ended;
    return JobEndedBefore(db, lease, state, end);
  });
}

absl::StatusOr<JobRecord> SqlJobStore::Release(const Lease& lease, int64_t last_sequence) {
  RETURN_IF_ERROR(CheckLastSequence(lease, last_sequence));
  using Result = std::optional<JobRecord>;
  const auto release = [&](Connection& db) -> absl::StatusOr<Result> {
    ASSIGN_OR_RETURN(Statement update, db.Prepare(ReleaseSql(db.dialect())));
    const int64_t now = Now(db);
    update.Bind(now).Bind(ExpiryOf(JobState::kCancelled, now)).Bind(last_sequence);
    BindFence(update, lease);
    absl::StatusOr<JobRecord> released = JobUnderLease(db, std::move(update), lease);
    if (released.ok()) {
      db.Announce(QueueNews());
      return *std::move(released);
    }
    if (!absl::IsFailedPrecondition(released.status())) return released.status();
    RETURN_IF_ERROR(ForgiveCrash(db, lease));
    return std::nullopt;
  };
  ASSIGN_OR_RETURN(Result released, database_->Write<Result>(release));
  if (!released.has_value()) return LeaseLost(lease);
  return *std::move(released);
}

}  // namespace tweedie::sql
