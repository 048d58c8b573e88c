#include "core/plan/row_runner.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

namespace tweedie::plan {
namespace {

float* NewArena(int64_t floats) {
  // Whole pages: the next workspace's lines are not shared.
  const size_t bytes = (static_cast<size_t>(floats) * sizeof(float) + 4095) / 4096 * 4096;
  void* arena = std::aligned_alloc(4096, bytes);
  if (arena == nullptr) throw std::bad_alloc();
  std::memset(arena, 0, bytes);
  return static_cast<float*>(arena);
}

}  // namespace

void RowRunner::Free::operator()(float* arena) const { std::free(arena); }

RowRunner::RowRunner(const UnetPlan* plan) : arena_(NewArena(plan->arena_floats())) {
  for (const auto& op : plan->ops()) actions_.push_back(op->Bind({arena_.get(), &row_}));
}

// A meeting is over when its last thread has come; the next has the next `count`
// arrivals. Ops take microseconds, so threads look again before they let others run.
void RowRunner::Meet(int count) {
  constexpr int kLooks = 2000;
  const uint64_t team = static_cast<uint64_t>(count);
  const uint64_t end = (arrivals_.fetch_add(1, std::memory_order_acq_rel) / team + 1) * team;
  for (int looks = 0; arrivals_.load(std::memory_order_acquire) < end; ++looks) {
    if (looks < kLooks) {
      __builtin_ia32_pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void RowRunner::Run(Part part) {
  for (Action& action : actions_) {
    action(part);
    if (part.count > 1) Meet(part.count);
  }
}

}  // namespace tweedie::plan
