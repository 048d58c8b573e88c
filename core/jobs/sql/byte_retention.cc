#include "core/jobs/sql/byte_retention.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie::sql {
namespace {

// A walk over them reads an index, for some milliseconds.
constexpr int kJobsPerLook = 10000;

std::string WalkSql(const Dialect& dialect) {
  return absl::StrCat("SELECT end_time, row, input_size + result_size FROM jobs",
                      IndexedBy(dialect, "jobs_ended"),
                      " WHERE end_time IS NOT NULL AND (end_time, row) < (?, ?) "
                      "ORDER BY end_time DESC, row DESC LIMIT ?");
}

std::string BeyondSql(const Dialect& dialect) {
  return absl::StrCat("SELECT ", kJobColumns, " FROM jobs", IndexedBy(dialect, "jobs_ended"),
                      " WHERE end_time IS NOT NULL AND (end_time, row) <= (?, ?) "
                      "ORDER BY end_time, row LIMIT ?",
                      dialect.locks_rows ? " FOR UPDATE SKIP LOCKED" : "");
}

}  // namespace

bool ByteRetention::Add(Place place, int64_t bytes) {
  bytes_ += bytes;
  // The job that ended last stays, or a result too large would never be seen.
  if (last_.has_value() && bytes_ > max_bytes_) return false;
  last_ = place;
  return true;
}

absl::Status ByteRetention::Look(Connection& db) {
  absl::MutexLock lock(&mu_);
  if (cut_.has_value()) return absl::OkStatus();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const Place before = last_.value_or(Place{kMax, kMax});
  ASSIGN_OR_RETURN(Statement walk, db.Prepare(WalkSql(db.dialect())));
  walk.Bind(before.end_time).Bind(before.row).Bind(kJobsPerLook);
  for (int i = 0; i < kJobsPerLook; ++i) {
    ASSIGN_OR_RETURN(const bool more, walk.Step());
    const Place place = more ? Place{walk.Int(0), walk.Int(1)} : Place();
    if (more && Add(place, walk.Int(2))) continue;
    if (more) cut_ = place;
    last_.reset();
    bytes_ = 0;
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<JobRow>> ByteRetention::Beyond(Connection& db, int max_rows) {
  absl::MutexLock lock(&mu_);
  if (!cut_.has_value() || max_rows <= 0) return std::vector<JobRow>();
  ASSIGN_OR_RETURN(Statement select, db.Prepare(BeyondSql(db.dialect())));
  select.Bind(cut_->end_time).Bind(cut_->row).Bind(max_rows);
  ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadJobs(db, std::move(select)));
  if (rows.size() < static_cast<size_t>(max_rows)) cut_.reset();
  return rows;
}

}  // namespace tweedie::sql
