#ifndef TWEEDIE_CORE_JOBS_POSTGRES_SCHEMA_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_SCHEMA_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/jobs/postgres/postgres_options.h"

namespace tweedie::postgres {

// The version that this program writes (`schema_version` in the database).
int SchemaVersion();

// Makes the schema if need be and brings it to SchemaVersion(), in one
// transaction, under a lock: of several servers that start at once, one does it.
// Tries until options.call_timeout is over if the database cannot be reached.
// FAILED_PRECONDITION if it was made by a newer version, or by another program.
absl::Status Migrate(const PostgresOptions& options);

// The version of the queue that is in the schema; 0 if none is. Nothing is changed.
// FAILED_PRECONDITION if the schema is another program's; UNAVAILABLE if the
// database cannot be reached.
absl::StatusOr<int64_t> FindSchemaVersion(const PostgresOptions& options);

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_SCHEMA_H_
