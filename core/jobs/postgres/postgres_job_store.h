#ifndef TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_JOB_STORE_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_JOB_STORE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "core/jobs/postgres/postgres_options.h"

namespace tweedie {

// What is in one schema of a database; several servers may use it at once. The
// stores share its connections, and keep them beyond the queue itself.
struct PostgresQueue {
  std::unique_ptr<JobStore> jobs;
  std::unique_ptr<BlobStore> blobs;  // in pieces, in the same database
};

// Opens (or makes, or migrates) a queue in PostgreSQL 14 or newer. INVALID_ARGUMENT
// if options.connection cannot be read; FAILED_PRECONDITION if the schema was
// made by a newer version or another program; UNAVAILABLE if the database cannot
// be reached within options.call_timeout. No message shows options.connection.
absl::StatusOr<PostgresQueue> OpenPostgresQueue(const PostgresOptions& options,
                                                const RetentionPolicy& retention);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_JOB_STORE_H_
