#include "core/jobs/sql/migrations.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie::sql {

absl::Status CheckVersion(int64_t version, Migrations steps) {
  if (version <= static_cast<int64_t>(steps.size())) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the queue was made by a newer version of this program (its format is ", version,
                   ", known are those up to ", steps.size(), ")"));
}

absl::Status RunMigrations(Connection& db, int64_t version, Migrations steps,
                           absl::string_view set_version) {
  for (size_t next = static_cast<size_t>(version); next < steps.size(); ++next) {
    RETURN_IF_ERROR(db.Execute(steps[next]));
    RETURN_IF_ERROR(db.Execute(absl::StrCat(set_version, next + 1)));
  }
  return absl::OkStatus();
}

}  // namespace tweedie::sql
