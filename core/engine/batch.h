#ifndef TWEEDIE_CORE_ENGINE_BATCH_H_
#define TWEEDIE_CORE_ENGINE_BATCH_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/engine/resident_job.h"

namespace tweedie {

// Rows of one job in one network call.
struct BatchPart {
  ResidentJob* job = nullptr;
  int64_t rows = 0;
  // OK once the job has accepted its predictions; otherwise why it fails.
  absl::Status status;
};

// Evaluates all parts in one call of their common network, and hands each job
// its rows. If the call fails, the parts are evaluated one by one, so that only
// those fail that cannot be evaluated alone. Where LibTorch's exceptions end.
void EvaluateBatch(std::vector<BatchPart>& parts);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_BATCH_H_
