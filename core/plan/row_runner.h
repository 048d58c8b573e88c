#ifndef TWEEDIE_CORE_PLAN_ROW_RUNNER_H_
#define TWEEDIE_CORE_PLAN_ROW_RUNNER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "core/plan/ops/aligned_floats.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// The memory of one image in a plan, and the plan's ops on it, in one pass or several. For one
// image at a time: by one thread, or by a team of threads that all call Run().
class RowRunner {
 public:
  // The ops of `passes` outlive it, and their features lie in `arena_floats`. Throws
  // std::bad_alloc and dnnl::error.
  RowRunner(absl::Span<const Ops* const> passes, int64_t arena_floats);
  RowRunner(const RowRunner&) = delete;
  RowRunner& operator=(const RowRunner&) = delete;

  // To be called before Run() by one thread, and seen by the others of the team.
  void Begin(const Row& row) {
    row_ = row;
    arrivals_ = 0;
    failed_ = false;
  }
  // Likewise, between passes.
  void SetOutGradient(const float* gradient) { row_.out_gradient = gradient; }
  // Returns when the pass is done. The threads of a team must all be running, as each
  // waits for the others. Rethrows what an op throws; the others of the team then
  // return early, and the image is not done.
  void Run(Part part, size_t pass = 0);

  // The images of several runners of the same ops, by the calling thread alone: each op
  // on one after the other, so that they share what it reads of weights. Same bits.
  static void RunTogether(absl::Span<const std::unique_ptr<RowRunner>> runners, size_t pass = 0);

 private:
  // False if another of the team has failed.
  bool Meet(int count);
  void RunOps(Part part, size_t pass);

  Row row_;
  AlignedFloats arena_;
  std::vector<std::vector<Action>> passes_;
  std::atomic<uint64_t> arrivals_ = 0;  // of all threads, at all meetings for the row
  std::atomic<bool> failed_ = false;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_ROW_RUNNER_H_
