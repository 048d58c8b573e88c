#ifndef TWEEDIE_CORE_JOBS_SQLITE_SCHEMA_H_
#define TWEEDIE_CORE_JOBS_SQLITE_SCHEMA_H_

#include "absl/status/status.h"
#include "core/jobs/sqlite/database.h"

namespace tweedie::sqlite {

// The version that this program writes (`PRAGMA user_version`).
int SchemaVersion();

// Brings the file to SchemaVersion(), within the transaction that the caller
// has begun. FAILED_PRECONDITION if it was made by a newer version, or by
// another program.
absl::Status Migrate(Connection& db);

}  // namespace tweedie::sqlite

#endif  // TWEEDIE_CORE_JOBS_SQLITE_SCHEMA_H_
