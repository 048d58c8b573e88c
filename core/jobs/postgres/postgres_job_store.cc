#include "core/jobs/postgres/postgres_job_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/database.h"
#include "core/jobs/postgres/postgres_blob_store.h"
#include "core/jobs/sql/sql_job_store.h"
#include "core/jobs/sql/timed_database.h"

namespace tweedie {

absl::StatusOr<PostgresQueue> OpenPostgresQueue(const PostgresOptions& options,
                                                const RetentionPolicy& retention) {
  RETURN_IF_ERROR(CheckConnection(options.connection));
  absl::StatusOr<std::unique_ptr<postgres::PgDatabase>> opened =
      postgres::PgDatabase::Open(options);
  if (!opened.ok()) {
    return absl::Status(opened.status().code(),
                        absl::StrCat("cannot open the queue: ", opened.status().message()));
  }
  const std::shared_ptr<postgres::PgDatabase> database = *std::move(opened);
  PostgresQueue queue;
  queue.jobs =
      std::make_unique<sql::SqlJobStore>(sql::TimedIfWanted(database, options.on_write), retention);
  queue.blobs = std::make_unique<postgres::PostgresBlobStore>(database);
  return queue;
}

}  // namespace tweedie
