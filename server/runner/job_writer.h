#ifndef TWEEDIE_SERVER_RUNNER_JOB_WRITER_H_
#define TWEEDIE_SERVER_RUNNER_JOB_WRITER_H_

#include <ATen/core/Tensor.h>

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "core/methods/method.h"
#include "server/runner/disk_reserve.h"
#include "server/runner/job_observer.h"
#include "server/runner/run_counters.h"
#include "server/runner/running_job.h"

namespace tweedie {

// How a job left the engine.
struct JobOutcome {
  absl::Status status;  // OK, CANCELLED, or why it failed
  MethodProgress progress;
  at::Tensor images;  // the result, if OK
};

// The counter of jobs that came to that end.
std::string FinishedCounter(JobState state);

// Writes what happens to running jobs into the store, blobs first and rows
// after, all under the job's lease; then tells the observer. A call that finds
// the lease lost abandons the job and returns OK: another server has it.
// After other errors the call may be tried again; a write whose reply was lost
// (UNAVAILABLE) may have been done, and is then found so; RESOURCE_EXHAUSTED has
// given up the reserve for another try, or says that memory ran out. What failed is
// counted and said in the log. Used by one thread at a time. Everything given
// outlives it.
class JobWriter {
 public:
  JobWriter(JobStore* store, const BlobStore* blobs, JobObserver* observer, RunningJobs* running,
            RunCounters* counters, DiskReserve* reserve)
      : store_(store),
        blobs_(blobs),
        observer_(observer),
        running_(running),
        counters_(counters),
        reserve_(reserve) {}

  absl::Status Checkpoint(RunningJob& job, const MethodProgress& progress,
                          const MethodState& state);
  // Ends the job; it no longer runs here. Another try must be of the same
  // outcome.
  absl::Status Finish(RunningJob& job, const JobOutcome& outcome);
  // Checkpoints the job, if the disk takes it, and gives it back to the queue.
  absl::Status Release(RunningJob& job, const Method& method);

 private:
  // Makes room if `work` finds the disk full, and reports its error.
  absl::Status Try(absl::string_view call, const RunningJob& job,
                   const std::function<absl::Status()>& work) const;
  absl::Status TryCheckpoint(RunningJob& job, const MethodProgress& progress,
                             const MethodState& state);
  absl::Status TryFinish(RunningJob& job, const JobOutcome& outcome);
  absl::Status TryRelease(RunningJob& job, const Method& method);
  // The writes to the store, without what follows from them.
  absl::StatusOr<BlobRef> StoreCheckpoint(const RunningJob& job, const JobProgress& progress,
                                          const BlobRef& blob) const;
  absl::StatusOr<JobRecord> StoreEnd(const RunningJob& job) const;
  absl::StatusOr<JobRecord> StoreRelease(const RunningJob& job) const;
  // All but `kept`, which may be empty.
  void RemoveOldCheckpoints(RunningJob& job, const std::string& kept) const;
  // Sets job.end; again after an error, without measuring again.
  absl::Status MakeEnd(RunningJob& job, const JobOutcome& outcome) const;
  // True (and the job is abandoned) if `status` says that the lease is lost.
  bool LeaseLost(RunningJob& job, const absl::Status& status);
  void RemoveBlob(const std::string& name) const;

  JobStore* const store_;
  const BlobStore* const blobs_;
  JobObserver* const observer_;
  RunningJobs* const running_;
  RunCounters* const counters_;
  DiskReserve* const reserve_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_JOB_WRITER_H_
