#ifndef TWEEDIE_SERVER_RPC_JOB_CALLS_H_
#define TWEEDIE_SERVER_RPC_JOB_CALLS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/auth/identity.h"
#include "server/rpc/service_parts.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// The bodies of the RPCs about jobs, without their transport, for a caller who has
// the permission to call them. A job that the caller may not see is NOT_FOUND, as one
// that is not there. They block on the store. Thread-safe.
class JobCalls {
 public:
  explicit JobCalls(const ServiceParts* parts) : parts_(parts) {}

  // `traceparent` is empty or well-formed.
  absl::StatusOr<v1::Job> Create(const v1::CreateJobRequest& request, const Identity& caller,
                                 absl::string_view traceparent);
  absl::StatusOr<v1::BatchCreateJobsResponse> BatchCreate(const v1::BatchCreateJobsRequest& request,
                                                          const Identity& caller,
                                                          absl::string_view traceparent);
  absl::StatusOr<v1::Job> Get(const v1::GetJobRequest& request, const Identity& caller);
  absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request,
                                            const Identity& caller);
  absl::StatusOr<v1::Job> Cancel(const v1::CancelJobRequest& request, const Identity& caller);
  absl::Status Delete(const v1::DeleteJobRequest& request, const Identity& caller);

  // Jobs that were created; what a repeated request found is none.
  int64_t submitted() const { return submitted_; }

 private:
  // Refuses what there is no room for, before anything is decoded: the disk is full,
  // or the queue is, which is asked only while it has lately refused somebody.
  absl::Status Admit(const std::vector<const v1::CreateJobRequest*>& requests,
                     const Identity& caller);
  void NoteIfFull(const absl::Status& status);
  // Stores the inputs of `jobs`, then the rows; takes back the inputs of those
  // that were not created.
  absl::StatusOr<std::vector<JobRecord>> Store(std::vector<PreparedJob>& jobs,
                                               const Identity& caller);
  absl::StatusOr<std::vector<JobRecord>> WriteAndCreate(std::vector<PreparedJob>& jobs,
                                                        const CreateLimits& limits,
                                                        std::vector<bool>& created);
  // Does a write that ends or deletes a job, which the disk's reserve is for: once more if
  // the disk was full.
  absl::StatusOr<JobRecord> WriteWithReserve(
      const std::function<absl::StatusOr<JobRecord>()>& write);
  // NOT_FOUND if the caller may not see the job `id`; of others it does not ask the store.
  absl::Status CheckVisible(absl::string_view id, const Identity& caller);
  v1::Job Report(const JobRecord& record);

  const ServiceParts* const parts_;
  std::atomic<int64_t> submitted_ = 0;
  // Until when it is asked, in nanoseconds of the steady clock.
  std::atomic<int64_t> ask_until_ = std::numeric_limits<int64_t>::min();
};

// `filter` as the store takes it, for what the caller may see of it. INVALID_ARGUMENT
// with its field.
absl::StatusOr<JobQuery> ToQuery(const v1::JobFilter& filter, const Identity& caller);

// The job, if it is there and the caller may see it; NOT_FOUND.
absl::StatusOr<JobRecord> GetVisible(JobStore& store, absl::string_view id, const Identity& caller);

// The bounds of the server and of the caller: the lower of each.
CreateLimits LimitsOf(const CreateLimits& server, const IdentityLimits& caller);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_JOB_CALLS_H_
