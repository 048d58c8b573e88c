#include "core/plan/row_runner.h"

#include <algorithm>
#include <thread>

namespace tweedie::plan {

RowRunner::RowRunner(absl::Span<const Ops* const> passes, int64_t arena_floats)
    : arena_(NewAlignedFloats(arena_floats)) {
  std::fill_n(arena_.get(), arena_floats, 0.0f);
  for (const Ops* ops : passes) {
    std::vector<Action>& actions = passes_.emplace_back();
    for (const auto& op : *ops) actions.push_back(op->Bind({arena_.get(), &row_}));
  }
}

// A meeting is over when its last thread has come; the next has the next `count`
// arrivals. Ops take microseconds, so threads look again before they let others run.
bool RowRunner::Meet(int count) {
  constexpr int kLooks = 2000;
  const uint64_t team = static_cast<uint64_t>(count);
  const uint64_t end = (arrivals_.fetch_add(1, std::memory_order_acq_rel) / team + 1) * team;
  for (int looks = 0; arrivals_.load(std::memory_order_acquire) < end; ++looks) {
    if (failed_.load(std::memory_order_relaxed)) return false;
    if (looks < kLooks) {
      __builtin_ia32_pause();
    } else {
      std::this_thread::yield();
    }
  }
  return true;
}

void RowRunner::RunOps(Part part, size_t pass) {
  for (Action& action : passes_[pass]) {
    action(part);
    if (part.count > 1 && !Meet(part.count)) return;
  }
}

void RowRunner::Run(Part part, size_t pass) {
  try {
    RunOps(part, pass);
  } catch (...) {
    failed_ = true;
    throw;
  }
}

void RowRunner::RunTogether(absl::Span<const std::unique_ptr<RowRunner>> runners, size_t pass) {
  if (runners.empty()) return;
  for (size_t op = 0; op < runners[0]->passes_[pass].size(); ++op) {
    for (const auto& runner : runners) runner->passes_[pass][op]({0, 1});
  }
}

}  // namespace tweedie::plan
