#ifndef TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_JOB_ARCHIVE_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_JOB_ARCHIVE_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_archive.h"
#include "core/jobs/postgres/postgres_options.h"

namespace tweedie {

// A queue in one schema of a database; the stores share its connections.
struct PostgresArchive {
  std::unique_ptr<JobArchive> jobs;
  std::unique_ptr<BlobStore> blobs;  // in the same database
};

// Opens a queue in PostgreSQL. kExisting: NOT_FOUND if there is none in the schema,
// FAILED_PRECONDITION if it is of another version. kMake: as OpenPostgresQueue(). No
// message shows options.connection.
absl::StatusOr<PostgresArchive> OpenPostgresArchive(const PostgresOptions& options, ArchiveUse use);

// FAILED_PRECONDITION if servers use the queue: they are registered, or run jobs, and
// those leases have not run out. OK if there is no queue.
absl::Status CheckPostgresUnused(const PostgresOptions& options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_JOB_ARCHIVE_H_
