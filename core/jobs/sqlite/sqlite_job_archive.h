#ifndef TWEEDIE_CORE_JOBS_SQLITE_SQLITE_JOB_ARCHIVE_H_
#define TWEEDIE_CORE_JOBS_SQLITE_SQLITE_JOB_ARCHIVE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/jobs/job_archive.h"

namespace tweedie {

// Opens the queue in the SQLite file `path`, which no server uses meanwhile (the
// caller holds the lock of its folder). kExisting: the file is only changed by
// Add() and Repair(), its write-ahead log stays; NOT_FOUND if there is none,
// FAILED_PRECONDITION if it is empty or of another version, and DATA_LOSS if SQLite cannot read it.
// kMake: as OpenSqliteJobStore().
absl::StatusOr<std::unique_ptr<JobArchive>> OpenSqliteJobArchive(const std::string& path,
                                                                 ArchiveUse use,
                                                                 const Clock* clock);

// What SQLite finds wrong with the file: pages, indexes, constraints, rows that
// refer to none. Empty if nothing is. The file is not changed. Errors are those of
// a file that cannot be opened at all, but one that is no database or damaged is
// told in the list.
absl::StatusOr<std::vector<std::string>> FindDamageOfSqliteFile(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_SQLITE_SQLITE_JOB_ARCHIVE_H_
