#ifndef TWEEDIE_SERVER_TOOLS_JOB_CHECKS_H_
#define TWEEDIE_SERVER_TOOLS_JOB_CHECKS_H_

#include <string>
#include <vector>

#include "core/jobs/job_archive.h"

namespace tweedie {

// The blobs that a job refers to.
std::vector<BlobRef> BlobsOf(const JobRecord& job);

// What contradicts itself in a job's row, one sentence a problem: its state against
// lease, times, failure and result; attempt, crashes and sequence; its id and the names
// of its blobs. Empty if all holds that the store keeps.
std::vector<std::string> FindContradictions(const ArchivedJob& job);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_JOB_CHECKS_H_
