#include "core/jobs/sqlite/sqlite_job_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/sql/sql_job_store.h"
#include "core/jobs/sql/timed_database.h"
#include "core/jobs/sqlite/database.h"
#include "core/jobs/sqlite/schema.h"

namespace tweedie {
namespace {

absl::Status CheckIntegrity(sqlite::Connection& db) {
  ASSIGN_OR_RETURN(const std::string verdict, db.QueryText("PRAGMA quick_check(1)"));
  if (verdict == "ok") return absl::OkStatus();
  return absl::DataLossError(verdict);
}

absl::StatusOr<std::unique_ptr<sqlite::Database>> OpenChecked(const std::string& path,
                                                              const Clock* clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<sqlite::Database> database, sqlite::Database::Open(path, clock));
  RETURN_IF_ERROR(database->Read(CheckIntegrity));
  RETURN_IF_ERROR(database->Write(sqlite::Migrate));
  return database;
}

// A damaged file is a reason not to start, like any other that a person must
// see to.
absl::Status OpenError(const std::string& path, const absl::Status& error) {
  const std::string message = absl::StrCat("cannot open the queue ", path, ": ", error.message());
  return absl::Status(
      absl::IsDataLoss(error) ? absl::StatusCode::kFailedPrecondition : error.code(), message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteJobStore(const std::string& path,
                                                             const RetentionPolicy& retention,
                                                             const Clock* clock, OnWrite on_write) {
  absl::StatusOr<std::unique_ptr<sqlite::Database>> database = OpenChecked(path, clock);
  if (!database.ok()) return OpenError(path, database.status());
  return std::make_unique<sql::SqlJobStore>(
      sql::TimedIfWanted(*std::move(database), std::move(on_write)), retention);
}

}  // namespace tweedie
