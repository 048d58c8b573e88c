#include "core/jobs/postgres/postgres_job_archive.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/database.h"
#include "core/jobs/postgres/postgres_blob_store.h"
#include "core/jobs/postgres/postgres_job_store.h"
#include "core/jobs/postgres/schema.h"
#include "core/jobs/sql/sql_job_archive.h"

namespace tweedie {
namespace {

absl::Status CheckVersion(const PostgresOptions& options) {
  ASSIGN_OR_RETURN(const int64_t version, postgres::FindSchemaVersion(options));
  if (version == 0) {
    return absl::NotFoundError(absl::StrCat("there is no queue in the schema ", options.schema));
  }
  if (version == postgres::SchemaVersion()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the format of the queue in the schema ", options.schema, " is ", version,
      ", and this program's is ", postgres::SchemaVersion(),
      version < postgres::SchemaVersion() ? "; a start of its server migrates it" : ""));
}

// The first version in which servers register.
constexpr int64_t kRegistryVersion = 2;
// Seconds, rounded up, of a lease that holds; behind it, a condition that it does.
constexpr char kSecondsLeft[] =
    "CEIL(lease_end / 1e6 - extract(epoch FROM clock_timestamp()))::bigint";
constexpr char kHolds[] = "lease_end > extract(epoch FROM clock_timestamp()) * 1e6";

// A server registers before it serves, and renews that as long as it lives.
absl::Status CheckNoServers(sql::Connection& db, const std::string& schema) {
  ASSIGN_OR_RETURN(
      sql::Statement select,
      db.Prepare(absl::StrCat("SELECT name, address, ", kSecondsLeft, " FROM servers WHERE ",
                              kHolds, " ORDER BY lease_end DESC LIMIT 1")));
  ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return absl::OkStatus();
  const std::string where = select.Bytes(1).empty() ? "" : absl::StrCat(" at ", select.Bytes(1));
  return absl::FailedPreconditionError(
      absl::StrCat("server ", select.Bytes(0), where, " uses the queue in the schema ", schema,
                   "; if it was killed, its lease ends in ", select.Int(2), " s"));
}

absl::Status CheckNoLeases(sql::Connection& db) {
  ASSIGN_OR_RETURN(sql::Statement select,
                   db.Prepare(absl::StrCat("SELECT COUNT(*), COALESCE(MAX(", kSecondsLeft,
                                           "), 0) FROM jobs WHERE state = 2 AND ", kHolds)));
  RETURN_IF_ERROR(select.Step().status());
  if (select.Int(0) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(select.Int(0),
                   " jobs are run by servers; if those were killed, the last lease "
                   "ends in ",
                   select.Int(1), " s"));
}

}  // namespace

absl::StatusOr<PostgresArchive> OpenPostgresArchive(const PostgresOptions& options,
                                                    ArchiveUse use) {
  RETURN_IF_ERROR(CheckConnection(options.connection));
  if (use == ArchiveUse::kExisting) RETURN_IF_ERROR(CheckVersion(options));
  ASSIGN_OR_RETURN(std::unique_ptr<postgres::PgDatabase> opened,
                   postgres::PgDatabase::Open(options));
  const std::shared_ptr<postgres::PgDatabase> database = std::move(opened);
  PostgresArchive archive;
  archive.jobs = std::make_unique<sql::SqlJobArchive>(database);
  archive.blobs = std::make_unique<postgres::PostgresBlobStore>(database);
  return archive;
}

absl::Status CheckPostgresUnused(const PostgresOptions& options) {
  RETURN_IF_ERROR(CheckConnection(options.connection));
  ASSIGN_OR_RETURN(const int64_t version, postgres::FindSchemaVersion(options));
  if (version == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<postgres::PgConnection> db,
                   postgres::PgConnection::Open(options));
  if (version >= kRegistryVersion) RETURN_IF_ERROR(CheckNoServers(*db, options.schema));
  return CheckNoLeases(*db);
}

}  // namespace tweedie
