#include "core/jobs/postgres/postgres_job_archive.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/database.h"
#include "core/jobs/postgres/postgres_blob_store.h"
#include "core/jobs/postgres/postgres_job_store.h"
#include "core/jobs/postgres/schema.h"
#include "core/jobs/postgres/sql_text.h"
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

// Servers listen all the time, on a connection that is named after the schema.
absl::Status CheckNobodyListens(sql::Connection& db, const std::string& schema) {
  ASSIGN_OR_RETURN(sql::Statement count,
                   db.Prepare("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = ? "
                              "AND datname = current_database()"));
  RETURN_IF_ERROR(count.Bind(postgres::ListenerName(schema)).Step().status());
  if (count.Int(0) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(count.Int(0), " servers use the queue in the schema ", schema));
}

absl::Status CheckNoLeases(sql::Connection& db) {
  ASSIGN_OR_RETURN(const int64_t leases,
                   db.QueryInt("SELECT COUNT(*) FROM jobs WHERE state = 2 AND "
                               "lease_end > extract(epoch FROM clock_timestamp()) * 1000000"));
  if (leases == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(leases, " jobs are run by servers; leases of servers that died last 30 s"));
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
  RETURN_IF_ERROR(CheckNobodyListens(*db, options.schema));
  return CheckNoLeases(*db);
}

}  // namespace tweedie
