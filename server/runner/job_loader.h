#ifndef TWEEDIE_SERVER_RUNNER_JOB_LOADER_H_
#define TWEEDIE_SERVER_RUNNER_JOB_LOADER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/engine/resident_job.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "server/runner/model_pool.h"
#include "server/runner/running_job.h"

namespace tweedie {

// A claimed job, ready for the engine.
struct LoadedJob {
  std::shared_ptr<RunningJob> running;
  EngineJob engine_job;
};

// Reads a claimed job's inputs and its checkpoint, if it has one that serves
// these weights; otherwise it begins anew, to the same result. Thread-safe; the
// pool and the blobs outlive it. Errors end the job: DATA_LOSS for damaged
// inputs, NOT_FOUND for a model that is not resident.
absl::StatusOr<LoadedJob> LoadJob(const Claimed& claimed, const ModelPool& models,
                                  const BlobStore& blobs, const Clock& clock);

// The bookkeeping alone, for a job that could not be loaded.
std::shared_ptr<RunningJob> MakeRunningJob(const Claimed& claimed, const Clock& clock);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_JOB_LOADER_H_
