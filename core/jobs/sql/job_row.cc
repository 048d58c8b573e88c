#include "core/jobs/sql/job_row.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/base/utf8.h"
#include "core/jobs/queue_order.h"

namespace tweedie::sql {

const char kJobColumns[] =
    "row, id, model, creator, priority, spec, num_images, cost_bytes, "
    "input_name, input_size, input_sha256, "
    "state, sequence, attempt, crashes, cancel_requested, "
    "progress_step, progress_num_steps, progress_timestep, "
    "checkpoint_name, checkpoint_size, checkpoint_sha256, "
    "result_name, result_size, result_sha256, outcome, "
    "failure_code, failure_message, failure_reason, "
    "server, device, create_time, start_time, end_time, expire_time";

namespace {

// Takes the columns of one row one after the other.
class ColumnReader {
 public:
  explicit ColumnReader(const Statement& statement) : statement_(statement) {}

  int64_t Int64() { return statement_.Int(column_++); }
  int Int() { return static_cast<int>(Int64()); }
  std::string Bytes() { return statement_.Bytes(column_++); }
  absl::Time TimeOr(absl::Time if_null) {
    if (statement_.IsNull(column_)) {
      ++column_;
      return if_null;
    }
    return absl::FromUnixMicros(Int64());
  }
  BlobRef Blob() {
    BlobRef blob;
    blob.name = Bytes();
    blob.size = Int64();
    blob.sha256 = Bytes();
    return blob;
  }
  JobProgress Progress() {
    JobProgress progress;
    progress.step = Int();
    progress.num_steps = Int();
    progress.timestep = Int();
    return progress;
  }
  std::optional<JobFailure> Failure() {
    const bool none = statement_.IsNull(column_);
    JobFailure failure;
    failure.code = static_cast<absl::StatusCode>(Int());
    failure.message = Bytes();
    failure.reason = Bytes();
    return none ? std::nullopt : std::make_optional(std::move(failure));
  }

 private:
  const Statement& statement_;
  int column_ = 0;
};

// The order is that of kJobColumns.
JobRow ReadRow(const Statement& statement) {
  ColumnReader read(statement);
  JobRow result;
  result.row = read.Int64();
  JobRecord& job = result.job;
  job.id = read.Bytes();
  job.model = read.Bytes();
  job.creator = read.Bytes();
  job.priority = static_cast<JobPriority>(read.Int());
  job.spec = read.Bytes();
  job.num_images = read.Int();
  job.cost_bytes = read.Int64();
  job.input = read.Blob();
  job.state = static_cast<JobState>(read.Int());
  job.sequence = read.Int64();
  job.attempt = read.Int();
  job.crashes = read.Int();
  job.cancel_requested = read.Int() != 0;
  job.progress = read.Progress();
  job.checkpoint = read.Blob();
  job.result = read.Blob();
  job.outcome = read.Bytes();
  job.failure = read.Failure();
  job.server = read.Bytes();
  job.device = read.Bytes();
  job.create_time = read.TimeOr(absl::InfinitePast());
  job.start_time = read.TimeOr(absl::InfinitePast());
  job.end_time = read.TimeOr(absl::InfinitePast());
  job.expire_time = read.TimeOr(absl::InfiniteFuture());
  return result;
}

constexpr size_t kLabelChunk = 64;

// How many parameters a list of `count` is given: few numbers, so that there
// are few statements to keep.
size_t ListSize(size_t count) {
  size_t size = 1;
  while (size < count) size *= 2;
  return size;
}

// Adds the labels of rows[begin] and up to kLabelChunk - 1 after it.
absl::Status ReadLabels(Connection& db, std::vector<JobRow>& rows, size_t begin) {
  std::map<int64_t, JobRow*> by_row;
  const size_t end = std::min(rows.size(), begin + kLabelChunk);
  for (size_t i = begin; i < end; ++i) by_row[rows[i].row] = &rows[i];
  const size_t size = ListSize(end - begin);
  ASSIGN_OR_RETURN(
      Statement labels,
      db.Prepare(absl::StrCat("SELECT job_row, key, value FROM labels WHERE job_row IN (",
                              Parameters(size), ")")));
  for (size_t i = 0; i < size; ++i) labels.Bind(rows[std::min(begin + i, end - 1)].row);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, labels.Step());
    if (!more) return absl::OkStatus();
    by_row.at(labels.Int(0))->job.labels[labels.Bytes(1)] = labels.Bytes(2);
  }
}

absl::StatusOr<std::vector<JobRow>> ReadRows(Statement statement) {
  std::vector<JobRow> rows;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return rows;
    rows.push_back(ReadRow(statement));
  }
}

}  // namespace

absl::StatusOr<std::vector<JobRow>> ReadJobs(Connection& db, Statement statement) {
  ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadRows(std::move(statement)));
  for (size_t i = 0; i < rows.size(); i += kLabelChunk) RETURN_IF_ERROR(ReadLabels(db, rows, i));
  return rows;
}

absl::StatusOr<std::optional<JobRow>> ReadJob(Connection& db, Statement statement) {
  ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadJobs(db, std::move(statement)));
  if (rows.empty()) return std::nullopt;
  return std::move(rows[0]);
}

absl::StatusOr<std::optional<JobRow>> FindJob(Connection& db, absl::string_view id) {
  ASSIGN_OR_RETURN(Statement select,
                   db.Prepare(absl::StrCat("SELECT ", kJobColumns, " FROM jobs WHERE id = ?")));
  select.Bind(id);
  return ReadJob(db, std::move(select));
}

absl::StatusOr<std::optional<JobRow>> FindJob(Connection& db, int64_t row) {
  ASSIGN_OR_RETURN(Statement select,
                   db.Prepare(absl::StrCat("SELECT ", kJobColumns, " FROM jobs WHERE row = ?")));
  select.Bind(row);
  return ReadJob(db, std::move(select));
}

absl::StatusOr<JobRow> InsertJob(Connection& db, const JobRecord& job, absl::Time create_time) {
  ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare(absl::StrCat("INSERT INTO jobs (id, model, creator, priority, spec, num_images, "
                              "cost_bytes, input_name, input_size, input_sha256, "
                              "progress_num_steps, create_time) "
                              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ",
                              kJobColumns)));
  insert.Bind(job.id).Bind(job.model).Bind(job.creator);
  insert.Bind(static_cast<int64_t>(job.priority)).BindBlob(job.spec);
  insert.Bind(job.num_images).Bind(job.cost_bytes);
  BindBlobRef(insert, job.input);
  insert.Bind(job.progress.num_steps).Bind(absl::ToUnixMicros(create_time));
  ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadRows(std::move(insert)));
  if (rows.size() != 1) return absl::InternalError("database: an insert returned no row");
  rows[0].job.labels = job.labels;
  RETURN_IF_ERROR(InsertLabels(db, rows[0]));
  return std::move(rows[0]);
}

absl::Status InsertLabels(Connection& db, const JobRow& row) {
  for (const auto& [key, value] : row.job.labels) {
    ASSIGN_OR_RETURN(Statement insert,
                     db.Prepare("INSERT INTO labels (job_row, key, value) VALUES (?, ?, ?)"));
    RETURN_IF_ERROR(insert.Bind(row.row).Bind(key).Bind(value).Run());
  }
  return absl::OkStatus();
}

void BindBlobRef(Statement& statement, const BlobRef& blob) {
  statement.Bind(blob.name).Bind(blob.size).Bind(blob.sha256);
}

void BindFailure(Statement& statement, const std::optional<JobFailure>& failure) {
  if (!failure.has_value()) {
    statement.BindNull().BindNull().BindNull();
    return;
  }
  statement.Bind(static_cast<int64_t>(failure->code));
  statement.Bind(ToUtf8(failure->message)).Bind(failure->reason);
}

std::string IndexedBy(const Dialect& dialect, absl::string_view index) {
  return dialect.names_indexes ? absl::StrCat(" INDEXED BY ", index) : "";
}

std::string Greatest(const Dialect& dialect, absl::string_view values) {
  return absl::StrCat(dialect.greatest, "(", values, ")");
}

absl::string_view ForUpdate(const Dialect& dialect) {
  return dialect.locks_rows ? " FOR UPDATE SKIP LOCKED" : "";
}

int64_t StoredBits(uint64_t bits) {
  int64_t stored;
  std::memcpy(&stored, &bits, sizeof(stored));
  return stored;
}

std::string Parameters(size_t count) {
  return absl::StrJoin(std::vector<absl::string_view>(count, "?"), ", ");
}

std::string RunningCte(const Dialect& dialect) {
  return absl::StrCat("running (creator, jobs) AS MATERIALIZED (SELECT creator, COUNT(*) FROM jobs",
                      IndexedBy(dialect, "jobs_running"), " WHERE state = 2 GROUP BY creator)");
}

std::string ScoreSql(absl::string_view alias) {
  const auto bonus = [](JobPriority priority) {
    return absl::StrCat(" WHEN ", static_cast<int>(priority), " THEN ",
                        absl::ToInt64Microseconds(QueueBonus(priority)));
  };
  return absl::StrCat(
      "(", alias, ".create_time - CASE ", alias, ".priority", bonus(JobPriority::kBatch),
      bonus(JobPriority::kNormal), bonus(JobPriority::kInteractive), " END + ",
      absl::ToInt64Microseconds(kRunningPenalty),
      " * COALESCE((SELECT jobs FROM running WHERE running.creator = ", alias, ".creator), 0))");
}

}  // namespace tweedie::sql
