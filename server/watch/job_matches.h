#ifndef TWEEDIE_SERVER_WATCH_JOB_MATCHES_H_
#define TWEEDIE_SERVER_WATCH_JOB_MATCHES_H_

#include "core/jobs/job.h"
#include "core/jobs/job_store.h"

namespace tweedie {

// Whether `query` selects `job`, as JobFrontDoor::List() would.
bool Matches(const JobQuery& query, const JobRecord& job);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_WATCH_JOB_MATCHES_H_
