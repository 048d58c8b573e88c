// How jobs are followed from afar: Look.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/jobs/sql/job_row.h"
#include "core/jobs/sql/sql_job_store.h"

namespace tweedie::sql {
namespace {

// How many parameters a query for `count` jobs has: few texts serve all, so that
// they stay prepared.
size_t NumParameters(size_t count) {
  size_t parameters = 1;
  while (parameters < count) parameters *= 2;
  return parameters;
}

}  // namespace

absl::StatusOr<std::vector<JobRecord>> SqlJobStore::Look(const std::vector<std::string>& ids) {
  using Records = std::vector<JobRecord>;
  if (ids.empty()) return Records();
  if (ids.size() > kMaxJobsInALook) {
    return FieldError("ids",
                      absl::StrCat("must be at most ", kMaxJobsInALook, "; were ", ids.size()));
  }
  const size_t count = NumParameters(ids.size());
  return database_->Read<Records>([&](Connection& db) -> absl::StatusOr<Records> {
    ASSIGN_OR_RETURN(Statement select,
                     db.Prepare(absl::StrCat("SELECT ", kJobColumns, " FROM jobs WHERE id IN (",
                                             Parameters(count), ")")));
    for (size_t i = 0; i < count; ++i) select.Bind(ids[std::min(i, ids.size() - 1)]);
    ASSIGN_OR_RETURN(std::vector<JobRow> rows, ReadJobs(db, std::move(select)));
    Records records;
    for (JobRow& row : rows) records.push_back(std::move(row.job));
    return records;
  });
}

}  // namespace tweedie::sql
