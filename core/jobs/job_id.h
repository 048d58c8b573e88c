#ifndef TWEEDIE_CORE_JOBS_JOB_ID_H_
#define TWEEDIE_CORE_JOBS_JOB_ID_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Whether `id` may be that of a job: [a-z][a-z0-9-]{3,62}.
bool IsJobId(absl::string_view id);

// NOT_FOUND: of a job that is not there, and of one that the caller may not see.
absl::Status NoSuchJob(absl::string_view id);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_JOB_ID_H_
