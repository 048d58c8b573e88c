#ifndef TWEEDIE_CORE_JOBS_POSTGRES_SCHEMA_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_SCHEMA_H_

#include "absl/status/status.h"
#include "core/jobs/postgres/postgres_options.h"

namespace tweedie::postgres {

// The version that this program writes (`schema_version` in the database).
int SchemaVersion();

// Makes the schema if need be and brings it to SchemaVersion(), in one
// transaction, under a lock: of several servers that start at once, one does it.
// Tries until options.call_timeout is over if the database cannot be reached.
// FAILED_PRECONDITION if it was made by a newer version, or by another program.
absl::Status Migrate(const PostgresOptions& options);

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_SCHEMA_H_
