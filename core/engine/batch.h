#ifndef TWEEDIE_CORE_ENGINE_BATCH_H_
#define TWEEDIE_CORE_ENGINE_BATCH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "core/engine/resident_job.h"

namespace tweedie {

// Rows of one job in one network call.
struct BatchPart {
  ResidentJob* job = nullptr;
  int64_t rows = 0;
  // OK once the job has accepted its predictions; otherwise why it fails.
  absl::Status status;
};

// Evaluates all parts, each of another job, in one call of their common network,
// and hands each job its rows; with gradients if the jobs want them, which then
// all do. Where LibTorch's exceptions end.
//
// If the call runs out of memory, its halves are evaluated one after the other,
// down to single rows, so that only a job fails whose row has no room alone
// (reason `OUT_OF_MEMORY`). If it fails otherwise, the parts are evaluated one
// by one, so that only those fail that cannot be evaluated alone.
void EvaluateBatch(std::vector<BatchPart>& parts);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_BATCH_H_
