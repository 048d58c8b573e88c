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
#include "server/runner/watched_operator.h"

namespace tweedie {

// The bookkeeping of a claimed job, so that its lease is kept while it is loaded.
std::shared_ptr<RunningJob> MakeRunningJob(const Claimed& claimed, const Clock& clock);

// Reads the inputs of `running` and its checkpoint, if it has one that serves
// these weights; otherwise it begins anew, to the same result. What the engine
// and the sink need to know goes into `running`. May take as long as its
// measurements take to make. What it solves with counts its calls in `uses`. Thread-safe;
// the pool and the blobs outlive it.
// DATA_LOSS for damaged inputs, NOT_FOUND for a model that is not resident,
// UNAVAILABLE for inputs that cannot be read now, RESOURCE_EXHAUSTED if memory
// ran out, INTERNAL if LibTorch refuses.
absl::StatusOr<EngineJob> LoadJob(RunningJob& running, ModelPool& models, const BlobStore& blobs,
                                  const std::shared_ptr<OperatorUses>& uses);

// Whether another try at what LoadJob() said `status` of may succeed.
bool MayLoadLater(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_JOB_LOADER_H_
