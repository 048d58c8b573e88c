#ifndef TWEEDIE_CORE_PLAN_PLAN_RUNNER_H_
#define TWEEDIE_CORE_PLAN_PLAN_RUNNER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/diffusion/row_pool.h"
#include "core/plan/row_runner.h"
#include "core/plan/team_choice.h"
#include "core/plan/unet_plan.h"

namespace tweedie::plan {

// A plan on the threads of a pool. Every row is computed by itself; threads have as many rows
// each, of which they take several through the plan together, and of what is left each row has
// several threads where that is faster. A row's bits depend on none of this. Not thread-safe.
class PlanRunner {
 public:
  // `rows_together`: how many rows a thread takes through the plan at once.
  PlanRunner(std::shared_ptr<const UnetPlan> plan, std::shared_ptr<RowPool> pool,
             int rows_together);

  // The rows of a call. Functions may be called by several threads at once, once for a row.
  struct Call {
    int64_t num_rows = 0;
    std::function<Row(int64_t row)> row_at;
    // Of a row whose Row::out is done: its Row::out_gradient, which stays until Run() returns.
    // The backward pass follows. Null: there is none.
    std::function<const float*(int64_t row)> out_gradient = nullptr;
  };
  // Throws what an op or a function throws.
  void Run(const Call& call);

 private:
  struct Rows {
    int64_t first, count;
  };
  // Each row by one thread.
  void RunAlone(const Call& call, Rows rows);
  // Likewise, by the calling thread, whose runners are those from `runner` on.
  void RunByOneThread(const Call& call, Rows rows, int64_t runner);
  void RunTogether(const Call& call, Rows rows, int64_t runner);
  // Likewise, at most as many as there are threads, each by several threads at once.
  void RunInTeams(const Call& call, Rows rows);
  void RunRest(const Call& call, Rows rows);
  // Makes the runner when it is first needed.
  void Begin(int64_t runner, const Row& row);

  const std::shared_ptr<const UnetPlan> plan_;
  const std::shared_ptr<RowPool> pool_;
  const int rows_together_;
  std::vector<std::unique_ptr<RowRunner>> runners_;  // rows_together_ a thread
  TeamChoice team_choice_;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_PLAN_RUNNER_H_
