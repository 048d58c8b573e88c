#ifndef TWEEDIE_CORE_JOBS_SQLITE_SQLITE_JOB_STORE_H_
#define TWEEDIE_CORE_JOBS_SQLITE_SQLITE_JOB_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/jobs/job_store.h"

namespace tweedie {

// Opens (or makes, or migrates) the queue in the SQLite file `path`: WAL,
// synchronous FULL, one writing connection. FAILED_PRECONDITION if the file was
// made by a newer version or fails its integrity check. `clock` outlives it.
// `on_write` may be empty.
absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteJobStore(const std::string& path,
                                                             const RetentionPolicy& retention,
                                                             const Clock* clock,
                                                             OnWrite on_write = {});

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_SQLITE_SQLITE_JOB_STORE_H_
