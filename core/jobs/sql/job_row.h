#ifndef TWEEDIE_CORE_JOBS_SQL_JOB_ROW_H_
#define TWEEDIE_CORE_JOBS_SQL_JOB_ROW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/jobs/job.h"
#include "core/jobs/sql/database.h"

// Between rows of the table `jobs` and JobRecord, and SQL that several
// statements share.
namespace tweedie::sql {

// What a SELECT or RETURNING must name for ReadJobs(), in its order.
extern const char kJobColumns[];

struct JobRow {
  int64_t row = 0;  // place in the listing
  JobRecord job;
};

// Runs a statement that yields kJobColumns to its end, and adds the labels.
absl::StatusOr<std::vector<JobRow>> ReadJobs(Connection& db, Statement statement);
// Likewise for a statement that yields one job at most.
absl::StatusOr<std::optional<JobRow>> ReadJob(Connection& db, Statement statement);

absl::StatusOr<std::optional<JobRow>> FindJob(Connection& db, absl::string_view id);
absl::StatusOr<std::optional<JobRow>> FindJob(Connection& db, int64_t row);

// Stores a new job, QUEUED under sequence 1, and returns it as stored.
absl::StatusOr<JobRow> InsertJob(Connection& db, const JobRecord& job, absl::Time create_time);

// Stores the labels of a job that is stored.
absl::Status InsertLabels(Connection& db, const JobRow& row);

// EndOfAttempt() of a row's attempt, in SQL.
inline constexpr char kEndOfAttempt[] = "(attempt << 32) | 2147483648";

// Binds name, size and SHA-256.
void BindBlobRef(Statement& statement, const BlobRef& blob);
// Binds code, message and reason.
void BindFailure(Statement& statement, const std::optional<JobFailure>& failure);

// ` INDEXED BY name` where the dialect names indexes; empty otherwise.
std::string IndexedBy(const Dialect& dialect, absl::string_view index);
// The largest of `values`, which are joined by commas.
std::string Greatest(const Dialect& dialect, absl::string_view values);
// Ends the SELECT of rows that this transaction is about to change: those that
// another changes are passed over.
absl::string_view ForUpdate(const Dialect& dialect);
// 64 random bits as the databases keep them: their integers are signed.
int64_t StoredBits(uint64_t bits);
// `count` parameters.
std::string Parameters(size_t count);

// A common table expression that ScoreSql() needs: running jobs by creator.
std::string RunningCte(const Dialect& dialect);

// SQL of the score of queue_order.h for the job that `alias` names.
std::string ScoreSql(absl::string_view alias);

}  // namespace tweedie::sql

#endif  // TWEEDIE_CORE_JOBS_SQL_JOB_ROW_H_
