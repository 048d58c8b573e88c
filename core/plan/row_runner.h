#ifndef TWEEDIE_CORE_PLAN_ROW_RUNNER_H_
#define TWEEDIE_CORE_PLAN_ROW_RUNNER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/plan/op.h"
#include "core/plan/unet_plan.h"

namespace tweedie::plan {

// The memory of one image in a plan, and the plan's ops on it. For one image at a
// time: by one thread, or by a team of threads that all call Run().
class RowRunner {
 public:
  // `plan` outlives it. Throws std::bad_alloc and dnnl::error.
  explicit RowRunner(const UnetPlan* plan);
  RowRunner(const RowRunner&) = delete;
  RowRunner& operator=(const RowRunner&) = delete;

  // To be called before Run() by one thread, and seen by the others of the team.
  void Begin(const Row& row) {
    row_ = row;
    arrivals_ = 0;
  }
  // Returns when the image is done. The threads of a team must all be running, as each
  // waits for the others.
  void Run(Part part);

 private:
  void Meet(int count);

  struct Free {
    void operator()(float* arena) const;
  };
  Row row_;
  std::unique_ptr<float[], Free> arena_;
  std::vector<Action> actions_;
  std::atomic<uint64_t> arrivals_ = 0;  // of all threads, at all meetings for the row
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_ROW_RUNNER_H_
