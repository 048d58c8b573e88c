#ifndef TWEEDIE_CORE_JOBS_SQL_SQL_JOB_ARCHIVE_H_
#define TWEEDIE_CORE_JOBS_SQL_SQL_JOB_ARCHIVE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/jobs/job_archive.h"
#include "core/jobs/job_store.h"
#include "core/jobs/sql/database.h"

namespace tweedie::sql {

// JobArchive on a database that has the tables of its schema.cc. Thread-safe.
class SqlJobArchive final : public JobArchive {
 public:
  explicit SqlJobArchive(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  absl::StatusOr<std::vector<ArchivedJob>> Jobs(int64_t after, int count) override;
  absl::StatusOr<std::vector<SpentRequest>> SpentRequests(absl::string_view after,
                                                          int count) override;
  absl::StatusOr<bool> Has(absl::string_view job_id) override;
  absl::StatusOr<Added> Add(const std::vector<ArchivedJob>& jobs,
                            const std::vector<SpentRequest>& requests) override;
  absl::Status Repair(absl::string_view job_id, JobRepair repair, absl::string_view blob) override;

 private:
  const std::shared_ptr<Database> database_;
};

}  // namespace tweedie::sql

#endif  // TWEEDIE_CORE_JOBS_SQL_SQL_JOB_ARCHIVE_H_
