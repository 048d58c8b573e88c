#include "core/jobs/sqlite/sqlite_job_archive.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/jobs/sql/sql_job_archive.h"
#include "core/jobs/sqlite/database.h"
#include "core/jobs/sqlite/schema.h"
#include "core/jobs/sqlite/sqlite_job_store.h"

namespace tweedie {
namespace {

constexpr int kMostProblems = 100;

absl::Status CheckVersion(sqlite::Connection& db) {
  ASSIGN_OR_RETURN(const int64_t version, db.QueryInt("PRAGMA user_version"));
  if (version == sqlite::SchemaVersion()) return absl::OkStatus();
  if (version == 0) {
    return absl::FailedPreconditionError(
        "it is empty and holds no queue: restore a backup before a server starts here, which would "
        "make a new queue and remove the images as nobody's");
  }
  return absl::FailedPreconditionError(
      absl::StrCat("its format is ", version, ", and this program's is ", sqlite::SchemaVersion(),
                   version < sqlite::SchemaVersion() ? "; a start of its server migrates it" : ""));
}

// SQLite tells several problems of one table in lines of one row.
absl::Status Collect(sqlite::Connection& db, const std::string& pragma,
                     std::vector<std::string>& problems) {
  ASSIGN_OR_RETURN(sql::Statement check, db.Prepare(pragma));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, check.Step());
    if (!more) return absl::OkStatus();
    for (const absl::string_view line : absl::StrSplit(check.Bytes(0), '\n', absl::SkipEmpty())) {
      if (line != "ok" && !absl::StartsWith(line, "***")) problems.emplace_back(line);
    }
  }
}

absl::Status CollectOrphans(sqlite::Connection& db, std::vector<std::string>& problems) {
  ASSIGN_OR_RETURN(sql::Statement check, db.Prepare("PRAGMA foreign_key_check"));
  for (int found = 0; found < kMostProblems; ++found) {
    ASSIGN_OR_RETURN(const bool more, check.Step());
    if (!more) break;
    problems.push_back(
        absl::StrCat("a row of ", check.Bytes(0), " refers to no row of ", check.Bytes(2)));
  }
  return absl::OkStatus();
}

absl::Status FindDamage(const std::string& path, std::vector<std::string>& problems) {
  ASSIGN_OR_RETURN(const std::unique_ptr<sqlite::Database> database,
                   sqlite::Database::OpenExisting(path));
  return database->Read([&](sqlite::Connection& db) -> absl::Status {
    problems.clear();
    RETURN_IF_ERROR(
        Collect(db, absl::StrCat("PRAGMA integrity_check(", kMostProblems, ")"), problems));
    return CollectOrphans(db, problems);
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobArchive>> OpenSqliteJobArchive(const std::string& path,
                                                                 ArchiveUse use,
                                                                 const Clock* clock) {
  if (use == ArchiveUse::kMake) {
    // It makes, checks and migrates the file.
    RETURN_IF_ERROR(OpenSqliteJobStore(path, RetentionPolicy(), clock).status());
  } else if (struct stat info; stat(path.c_str(), &info) != 0 && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat("there is no queue at ", path));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<sqlite::Database> database,
                   sqlite::Database::OpenExisting(path, clock));
  RETURN_IF_ERROR(database->Read(CheckVersion));
  return std::make_unique<sql::SqlJobArchive>(std::move(database));
}

absl::StatusOr<std::vector<std::string>> FindDamageOfSqliteFile(const std::string& path) {
  std::vector<std::string> problems;
  const absl::Status status = FindDamage(path, problems);
  if (absl::IsDataLoss(status)) {
    problems.emplace_back(status.message());
  } else if (!status.ok()) {
    return status;
  }
  return problems;
}

}  // namespace tweedie
