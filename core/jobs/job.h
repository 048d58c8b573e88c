#ifndef TWEEDIE_CORE_JOBS_JOB_H_
#define TWEEDIE_CORE_JOBS_JOB_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tweedie {

// Where a job is in its life; the numbers are `Job.State` of the API and are
// stored.
enum class JobState { kQueued = 1, kRunning = 2, kSucceeded = 3, kFailed = 4, kCancelled = 5 };

// What happens to a job.
enum class JobEvent {
  kClaim,    // a server begins to run it, or to go on with it
  kRelease,  // the server gives it back unharmed (drain)
  kRescue,   // the server that ran it is gone
  kSucceed,
  kFail,
  kCancel,  // takes effect: at once if queued, by the runner if running
  kLose,    // a repair finds that what it needs is lost
};

// The one table of transitions: the state after `event` in `state`, or nullopt
// if that cannot happen.
std::optional<JobState> NextState(JobState state, JobEvent event);

inline bool HasEnded(JobState state) {
  return state != JobState::kQueued && state != JobState::kRunning;
}

// Who goes first; the numbers are `Job.Priority` of the API and are stored.
enum class JobPriority { kBatch = 1, kNormal = 2, kInteractive = 3 };

// A file of the blob store. `name` is empty if there is none.
struct BlobRef {
  std::string name;
  int64_t size = 0;
  std::string sha256;  // lower-case hexadecimal
};

// Why a job failed, as in `JobError` of the API.
struct JobFailure {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string message;
  std::string reason;  // UPPER_SNAKE_CASE
};

// How far a job is, as of its last checkpoint or its end.
struct JobProgress {
  int step = 0;
  int num_steps = 0;  // known from the job's creation
  int timestep = 0;
};

// A job as the store keeps it. A value.
struct JobRecord {
  std::string id;       // the last part of `jobs/{job}`
  std::string model;    // NAME of `models/NAME`
  std::string creator;  // may be empty
  JobPriority priority = JobPriority::kNormal;
  std::map<std::string, std::string> labels;
  std::string spec;        // opaque to the store: the task, without tensors
  int num_images = 0;      // results
  int64_t cost_bytes = 0;  // memory while it runs (estimate)
  BlobRef input;           // the task's tensors

  JobState state = JobState::kQueued;
  // Sequence of the last change of state: `attempt << 32 | counter`.
  int64_t sequence = 0;
  int attempt = 0;
  int crashes = 0;
  bool cancel_requested = false;
  JobProgress progress;
  BlobRef checkpoint;
  BlobRef result;
  std::string outcome;  // opaque to the store: the metrics of the result
  std::optional<JobFailure> failure;
  std::string server;
  std::string device;
  absl::Time create_time = absl::InfinitePast();
  // InfinitePast where it has not happened.
  absl::Time start_time = absl::InfinitePast();
  absl::Time end_time = absl::InfinitePast();
  absl::Time expire_time = absl::InfiniteFuture();
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_JOB_H_
