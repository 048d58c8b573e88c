#ifndef TWEEDIE_CLIENT_CLI_BATCH_JOB_MAKER_H_
#define TWEEDIE_CLIENT_CLI_BATCH_JOB_MAKER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/batch/entries.h"
#include "client/cli/job_options.h"
#include "client/cli/tasks/tasks.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie::cli {

// An entry whose command line was understood.
struct BatchJob {
  BatchEntry entry;
  std::unique_ptr<TaskOptions> task;
  JobOptions options;
};

// Parses the command lines of all. INVALID_ARGUMENT names the first that is wrong; no
// file of theirs is read yet.
absl::StatusOr<std::vector<BatchJob>> ParseJobs(std::vector<BatchEntry> entries);

// What marks the jobs of a batch.
struct BatchMarks {
  std::string key;    // of the batch
  std::string model;  // of jobs that name none
};

// Identifies the request of the entry's try `attempt`: follows from the batch, the entry's
// name and `attempt`.
std::string RequestIdOf(const BatchEntry& entry, const BatchMarks& marks, int attempt);

// Whether CreateJob says that the job which the request made before was deleted since. A
// model that is missing is NOT_FOUND too, of an id that may have made a job.
bool IsDeletion(const absl::Status& status, absl::string_view request_id);

// The request for the job, equal each time while its files are the same, so
// that it may be sent again under its RequestIdOf(). Reads the files of the command line.
// The job has the labels of its batch, and the priority BATCH unless the entry says
// otherwise.
absl::StatusOr<v1::CreateJobRequest> MakeRequest(const BatchJob& job, const BatchMarks& marks,
                                                 int attempt);

// The label that all jobs of a batch have, with the batch's key as value.
inline constexpr char kBatchLabel[] = "batch.key";

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_BATCH_JOB_MAKER_H_
