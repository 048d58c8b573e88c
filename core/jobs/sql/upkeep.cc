// What keeps the queue in order: Rescue, Expire, and figures.
#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/sql/job_row.h"
#include "core/jobs/sql/sql_job_store.h"

namespace tweedie::sql {
namespace {

std::vector<JobRecord> RecordsOf(std::vector<JobRow> rows) {
  std::vector<JobRecord> records;
  records.reserve(rows.size());
  for (JobRow& row : rows) records.push_back(std::move(row.job));
  return records;
}

// Later than every lease.
constexpr int64_t kEndOfTime = std::numeric_limits<int64_t>::max();

// The sequence is beyond any that the dead runner can have published.
std::string RescueSql(const Dialect& dialect) {
  return absl::StrCat("UPDATE jobs SET ", kRequeueSql, ", sequence = ", kEndOfAttempt,
                      " WHERE row IN (SELECT j.row FROM jobs AS j",
                      IndexedBy(dialect, "jobs_running"), " WHERE j.state = 2 AND j.lease_end <= ?",
                      ForUpdate(dialect), ") RETURNING ", kJobColumns);
}

absl::StatusOr<std::vector<JobRow>> PastTheirTime(Connection& db, int64_t now, int max_rows) {
  ASSIGN_OR_RETURN(Statement select, db.Prepare(absl::StrCat("SELECT ", kJobColumns,
                                                             " FROM jobs WHERE expire_time <= ? "
                                                             "ORDER BY expire_time LIMIT ?",
                                                             ForUpdate(db.dialect()))));
  select.Bind(now).Bind(max_rows);
  return ReadJobs(db, std::move(select));
}

absl::Status DeleteOldRequestIds(Connection& db, int64_t now, int max_rows) {
  ASSIGN_OR_RETURN(Statement remove,
                   db.Prepare("DELETE FROM request_ids WHERE request_id IN ("
                              "SELECT request_id FROM request_ids WHERE expire_time <= ? "
                              "ORDER BY expire_time LIMIT ?)"));
  return remove.Bind(now).Bind(max_rows).Run();
}

absl::Status CountStates(Connection& db, JobCounts* counts) {
  ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT state, COUNT(*) FROM jobs GROUP BY state"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return absl::OkStatus();
    counts->by_state[static_cast<JobState>(select.Int(0))] = select.Int(1);
  }
}

absl::Status FindOldestQueued(Connection& db, JobCounts* counts) {
  ASSIGN_OR_RETURN(Statement select, db.Prepare(absl::StrCat("SELECT MIN(create_time) FROM jobs",
                                                             IndexedBy(db.dialect(), "jobs_queued"),
                                                             " WHERE state = 1")));
  ASSIGN_OR_RETURN(const bool row, select.Step());
  if (row && !select.IsNull(0)) counts->oldest_queued = absl::FromUnixMicros(select.Int(0));
  return absl::OkStatus();
}

}  // namespace

absl::Status SqlJobStore::DeleteRow(Connection& db, int64_t row) const {
  ASSIGN_OR_RETURN(
      Statement request,
      db.Prepare(absl::StrCat("UPDATE request_ids SET expire_time = ",
                              Greatest(db.dialect(), "create_time + ?, ?"), " WHERE job_row = ?")));
  request.Bind(absl::ToInt64Microseconds(retention_.request_ids)).Bind(Now(db)).Bind(row);
  RETURN_IF_ERROR(request.Run());
  ASSIGN_OR_RETURN(Statement remove, db.Prepare("DELETE FROM jobs WHERE row = ?"));
  return remove.Bind(row).Run();
}

absl::Status SqlJobStore::DeleteRows(Connection& db, const std::vector<JobRow>& rows) const {
  for (const JobRow& row : rows) {
    RETURN_IF_ERROR(DeleteRow(db, row.row));
    db.Announce({.changed = {row.job.id}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<JobRecord>> SqlJobStore::Rescue(bool all) {
  using Records = std::vector<JobRecord>;
  return database_->Write<Records>([&](Connection& db) -> absl::StatusOr<Records> {
    ASSIGN_OR_RETURN(Statement update, db.Prepare(RescueSql(db.dialect())));
    const int64_t now = Now(db);
    update.Bind(now).Bind(ExpiryOf(JobState::kCancelled, now)).Bind(all ? kEndOfTime : now);
    ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadJobs(db, std::move(update)));
    if (!rows.empty()) db.Announce(QueueNews());
    for (const JobRow& row : rows) db.Announce({.changed = {row.job.id}});
    return RecordsOf(std::move(rows));
  });
}

absl::StatusOr<std::vector<JobRecord>> SqlJobStore::Expire() {
  if (retention_.max_bytes > 0) {
    RETURN_IF_ERROR(database_->Read([&](Connection& db) { return bytes_.Look(db); }));
  }
  using Records = std::vector<JobRecord>;
  return database_->Write<Records>([&](Connection& db) -> absl::StatusOr<Records> {
    const int64_t now = Now(db);
    const int max_rows = retention_.max_per_pass;
    ASSIGN_OR_RETURN(std::vector<JobRow> rows, PastTheirTime(db, now, max_rows));
    RETURN_IF_ERROR(DeleteRows(db, rows));
    ASSIGN_OR_RETURN(std::vector<JobRow> beyond,
                     bytes_.Beyond(db, max_rows - static_cast<int>(rows.size())));
    RETURN_IF_ERROR(DeleteRows(db, beyond));
    std::move(beyond.begin(), beyond.end(), std::back_inserter(rows));
    RETURN_IF_ERROR(DeleteOldRequestIds(db, now, max_rows));
    return RecordsOf(std::move(rows));
  });
}

absl::StatusOr<JobCounts> SqlJobStore::Count() {
  return database_->Read<JobCounts>([](Connection& db) -> absl::StatusOr<JobCounts> {
    JobCounts counts;
    for (const JobState state : {JobState::kQueued, JobState::kRunning, JobState::kSucceeded,
                                 JobState::kFailed, JobState::kCancelled}) {
      counts.by_state[state] = 0;
    }
    RETURN_IF_ERROR(CountStates(db, &counts));
    RETURN_IF_ERROR(FindOldestQueued(db, &counts));
    return counts;
  });
}

absl::StatusOr<int64_t> SqlJobStore::QueuePosition(absl::string_view id) {
  return database_->Read<int64_t>([&](Connection& db) -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(
        Statement count,
        db.Prepare(absl::StrCat("WITH ", RunningCte(db.dialect()),
                                ", me AS MATERIALIZED (SELECT j.row AS row, ", ScoreSql("j"),
                                " AS score FROM jobs AS j WHERE j.state = 1 AND j.id = ?) "
                                "SELECT COUNT(*) FROM me, jobs AS j",
                                IndexedBy(db.dialect(), "jobs_queued"), " WHERE j.state = 1 AND (",
                                ScoreSql("j"), ", j.row) < (me.score, me.row)")));
    ASSIGN_OR_RETURN(const bool row, count.Bind(id).Step());
    return row ? count.Int(0) : 0;
  });
}

absl::StatusOr<std::vector<std::string>> SqlJobStore::LiveBlobs() {
  using Names = std::vector<std::string>;
  return database_->Read<Names>([](Connection& db) -> absl::StatusOr<Names> {
    ASSIGN_OR_RETURN(Statement select,
                     db.Prepare("SELECT input_name, checkpoint_name, result_name FROM jobs"));
    Names names;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, select.Step());
      if (!more) return names;
      for (const int column : {0, 1, 2}) {
        std::string name = select.Bytes(column);
        if (!name.empty()) names.push_back(std::move(name));
      }
    }
  });
}

}  // namespace tweedie::sql
