#ifndef TWEEDIE_CORE_JOBS_SQL_BYTE_RETENTION_H_
#define TWEEDIE_CORE_JOBS_SQL_BYTE_RETENTION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/jobs/sql/database.h"
#include "core/jobs/sql/job_row.h"

namespace tweedie::sql {

// Which ended jobs are more than may be kept, by the bytes of their inputs and
// results. It walks from the job that ended last to those before, a bounded
// number a call, until the sum is too large: that job, and all that ended before
// it, are beyond. What ends or is deleted meanwhile counts at the next walk. Thread-safe;
// its mutex is taken within transactions, and none is begun under it.
class ByteRetention {
 public:
  // `max_bytes` is positive if it is to be asked.
  explicit ByteRetention(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // Walks on. Nothing to do if it is known what is beyond.
  absl::Status Look(Connection& db) ABSL_LOCKS_EXCLUDED(mu_);
  // Up to `max_rows` of what is beyond, those that ended first before others, locked
  // by this transaction. The caller deletes them.
  absl::StatusOr<std::vector<JobRow>> Beyond(Connection& db, int max_rows) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A place in the order of ends.
  struct Place {
    int64_t end_time = 0;
    int64_t row = 0;
  };
  // Adds the job at `place`; false if the sum is too large with it.
  bool Add(Place place, int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int64_t max_bytes_;
  absl::Mutex mu_;
  std::optional<Place> last_ ABSL_GUARDED_BY(mu_);  // that the walk added
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;          // of all that it added
  std::optional<Place> cut_ ABSL_GUARDED_BY(mu_);   // the first that is beyond
};

}  // namespace tweedie::sql

#endif  // TWEEDIE_CORE_JOBS_SQL_BYTE_RETENTION_H_
