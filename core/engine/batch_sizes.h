#ifndef TWEEDIE_CORE_ENGINE_BATCH_SIZES_H_
#define TWEEDIE_CORE_ENGINE_BATCH_SIZES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {

// What a network call of so many rows takes.
struct CallCost {
  int64_t rows = 0;
  double seconds = 0;
};
// Ascending in rows, from one row on.
using CostCurve = std::vector<CallCost>;

// How many rows calls of one network have, by what calls were measured to take.
// Immutable.
//
// Where nobody waits for an answer, calls have the size at which a row is cheapest, with a
// millisecond that each call costs besides. Of sizes that are as good but for a few percent
// it is the largest whose call takes at most 0.1 s; if none does, the smallest, which keeps
// nobody waiting longer for nothing. Where an urgent job waits, calls have its rows, and others
// beside them as far as the call becomes little longer by that. Either way a row is never dearer
// than in a call of its own.
class BatchSizes {
 public:
  // INVALID_ARGUMENT unless both curves begin with one row and ascend, with times above 0.
  static absl::StatusOr<BatchSizes> Make(CostCurve plain, CostCurve gradient);

  // The most rows of a call, at least 1, at most as many as were measured.
  // `urgent_rows`: how many of its rows an urgent job waits for; 0: none waits.
  int64_t MaxRows(bool needs_gradient, int64_t urgent_rows) const;
  // What a row with its gradient costs, in plain rows, each in calls of the best size.
  double gradient_row_cost() const { return gradient_row_cost_; }

  const CostCurve& plain() const { return plain_; }
  const CostCurve& gradient() const { return gradient_; }

 private:
  BatchSizes(CostCurve plain, CostCurve gradient);

  CostCurve plain_, gradient_;
  double gradient_row_cost_ = 1;
};

// The sizes of a network, null until they are known. Thread-safe.
class SharedBatchSizes {
 public:
  std::shared_ptr<const BatchSizes> Get() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return sizes_;
  }
  void Set(BatchSizes sizes) ABSL_LOCKS_EXCLUDED(mu_) {
    auto shared = std::make_shared<const BatchSizes>(std::move(sizes));
    absl::MutexLock lock(&mu_);
    sizes_ = std::move(shared);
  }

 private:
  mutable absl::Mutex mu_;
  std::shared_ptr<const BatchSizes> sizes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_BATCH_SIZES_H_
