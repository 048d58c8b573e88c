#ifndef TWEEDIE_CORE_JOBS_JOB_ARCHIVE_H_
#define TWEEDIE_CORE_JOBS_JOB_ARCHIVE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/jobs/job.h"

namespace tweedie {

// A job with all that its store knows of it.
struct ArchivedJob {
  int64_t row = 0;  // its place in the store's order; not part of what is moved
  JobRecord record;
  int furthest_step = 0;  // of all its checkpoints
  bool has_lease_token = false;
  std::optional<absl::Time> lease_end;
  std::string request_id;  // empty if it was created without
  std::string request_digest;
  bool request_is_spent = false;  // its request id is marked as that of a deleted job
};

// A request id that outlives its job.
struct SpentRequest {
  std::string id;
  std::string digest;
  absl::Time create_time;
  absl::Time expire_time = absl::InfiniteFuture();  // of one that never goes
};

struct Added {
  int jobs = 0;
  int known_jobs = 0;      // were there already; they are as they were
  int known_requests = 0;  // request ids, likewise; a new job is without it then
};

// What a repair does to one job whose blobs are lost.
enum class JobRepair {
  kDropCheckpoint,  // any job; one that has not ended begins anew, to the same result
  kLoseInput,       // a job that has not ended is FAILED, with reason DATA_LOSS
  kForgetInput,     // a job that has ended has none: reading its measurement is DATA_LOSS
  kForgetResult,    // a job that SUCCEEDED has none: reading its images is DATA_LOSS
};

// A whole queue, job by job, for those who look after it while no server uses
// it. Bounded: what is asked for is what is in memory. Errors are those of
// job_store.h. Thread-safe.
class JobArchive {
 public:
  virtual ~JobArchive() = default;
  // Up to `count` jobs behind place `after` (0: from the first), in the order of
  // their creation. Empty at the end.
  virtual absl::StatusOr<std::vector<ArchivedJob>> Jobs(int64_t after, int count) = 0;
  // Up to `count` of the request ids whose jobs are deleted that follow `after`.
  virtual absl::StatusOr<std::vector<SpentRequest>> SpentRequests(absl::string_view after,
                                                                  int count) = 0;
  virtual absl::StatusOr<bool> Has(absl::string_view job_id) = 0;
  // Adds what is not known yet, in this order, all or nothing. INVALID_ARGUMENT if
  // a job is RUNNING: whoever moves a queue moves no lease.
  virtual absl::StatusOr<Added> Add(const std::vector<ArchivedJob>& jobs,
                                    const std::vector<SpentRequest>& requests) = 0;
  // Repairs a job that refers to `blob`, which is lost. FAILED_PRECONDITION if it is
  // not in a state in which that can be done, or refers to another by now; NOT_FOUND.
  virtual absl::Status Repair(absl::string_view job_id, JobRepair repair,
                              absl::string_view blob) = 0;
};

// What is opened as an archive.
enum class ArchiveUse {
  kExisting,  // there, and of this program's version: nothing is made or migrated
  kMake,      // made or migrated if need be
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_JOB_ARCHIVE_H_
