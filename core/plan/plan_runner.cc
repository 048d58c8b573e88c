#include "core/plan/plan_runner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/time/clock.h"
#include "absl/types/span.h"

namespace tweedie::plan {
namespace {

constexpr size_t kForward = 0, kBackward = 1;  // passes

}  // namespace

PlanRunner::PlanRunner(std::shared_ptr<const UnetPlan> plan, std::shared_ptr<RowPool> pool,
                       int rows_together)
    : plan_(std::move(plan)), pool_(std::move(pool)), rows_together_(rows_together) {
  runners_.resize(pool_->num_threads() * rows_together_);
}

void PlanRunner::Run(const Call& call) {
  const int64_t rest = call.num_rows % pool_->num_threads();
  if (call.num_rows > rest) RunAlone(call, {0, call.num_rows - rest});
  if (rest > 0) RunRest(call, {call.num_rows - rest, rest});
}

void PlanRunner::Begin(int64_t runner, const Row& row) {
  std::unique_ptr<RowRunner>& own = runners_[runner];
  if (own == nullptr) {
    const std::array<const Ops*, 2> passes = {&plan_->ops(), &plan_->gradient_ops()};
    own = std::make_unique<RowRunner>(passes, plan_->arena_floats());
  }
  own->Begin(row);
}

void PlanRunner::RunAlone(const Call& call, Rows rows) {
  const int workers = static_cast<int>(std::min<int64_t>(rows.count, pool_->num_threads()));
  pool_->Run(workers, [&](int64_t worker) {
    const Part share{static_cast<int>(worker), workers};
    const int64_t begin = share.Begin(rows.count);
    RunByOneThread(call, {rows.first + begin, share.End(rows.count) - begin},
                   worker * rows_together_);
  });
}

void PlanRunner::RunByOneThread(const Call& call, Rows rows, int64_t runner) {
  const int groups = static_cast<int>((rows.count + rows_together_ - 1) / rows_together_);
  for (int i = 0; i < groups; ++i) {
    const Part group{i, groups};
    const int64_t begin = group.Begin(rows.count);
    RunTogether(call, {rows.first + begin, group.End(rows.count) - begin}, runner);
  }
}

void PlanRunner::RunTogether(const Call& call, Rows rows, int64_t runner) {
  for (int64_t i = 0; i < rows.count; ++i) Begin(runner + i, call.row_at(rows.first + i));
  const auto runners = absl::MakeConstSpan(runners_).subspan(runner, rows.count);
  RowRunner::RunTogether(runners, kForward);
  if (call.out_gradient == nullptr) return;
  for (int64_t i = 0; i < rows.count; ++i) {
    runners[i]->SetOutGradient(call.out_gradient(rows.first + i));
  }
  RowRunner::RunTogether(runners, kBackward);
}

void PlanRunner::RunInTeams(const Call& call, Rows rows) {
  const int team = static_cast<int>(pool_->num_threads() / rows.count);
  const auto run = [&](size_t pass) {
    // No more items than threads, so that none waits for one that nobody has taken.
    pool_->Run(rows.count * team, [&](int64_t item) {
      runners_[item / team]->Run({static_cast<int>(item % team), team}, pass);
    });
  };
  for (int64_t i = 0; i < rows.count; ++i) Begin(i, call.row_at(rows.first + i));
  run(kForward);
  if (call.out_gradient == nullptr) return;
  pool_->Run(rows.count,
             [&](int64_t i) { runners_[i]->SetOutGradient(call.out_gradient(rows.first + i)); });
  run(kBackward);
}

void PlanRunner::RunRest(const Call& call, Rows rows) {
  if (2 * rows.count > pool_->num_threads()) return RunAlone(call, rows);
  const bool team = team_choice_.UseTeam();
  const absl::Time begin = absl::Now();
  team ? RunInTeams(call, rows) : RunAlone(call, rows);
  team_choice_.Took(team, absl::Now() - begin);
}

}  // namespace tweedie::plan
