#ifndef TWEEDIE_CORE_JOBS_SQL_MIGRATIONS_H_
#define TWEEDIE_CORE_JOBS_SQL_MIGRATIONS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/jobs/sql/database.h"

namespace tweedie::sql {

// How the tables of a queue came to be: steps[i] leads from version i to version
// i + 1. Steps are only ever added.
using Migrations = absl::Span<const char* const>;

// FAILED_PRECONDITION if `version` is beyond all of `steps`.
absl::Status CheckVersion(int64_t version, Migrations steps);

// Takes the tables from `version` on, within the transaction of `db`.
// `set_version` is the statement that notes the version reached, but for the
// number at its end.
absl::Status RunMigrations(Connection& db, int64_t version, Migrations steps,
                           absl::string_view set_version);

}  // namespace tweedie::sql

#endif  // TWEEDIE_CORE_JOBS_SQL_MIGRATIONS_H_
