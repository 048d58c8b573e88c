#ifndef TWEEDIE_CORE_PLAN_OPS_SLOTS_H_
#define TWEEDIE_CORE_PLAN_OPS_SLOTS_H_

#include <algorithm>
#include <cstdint>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Scratch that an op needs only while it is at one of its items is one stretch a thread of the
// team, a slot, and not one an item. The arena is planned before the team is known: larger teams
// leave these ops to some of their threads.
inline constexpr int64_t kMaxSlots = 16;

inline int64_t SlotsOf(int64_t items) { return std::min(kMaxSlots, items); }

// work(item, slot) of the part's share of `items`. Slots are below SlotsOf(items), and no two
// parts have one in common.
template <typename Work>
void RunInSlots(Part part, int64_t items, const Work& work) {
  const int slots = static_cast<int>(std::min<int64_t>(part.count, SlotsOf(items)));
  if (part.index >= slots) return;
  const Part own{part.index, slots};
  for (int64_t item = own.Begin(items); item < own.End(items); ++item) work(item, own.index);
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_SLOTS_H_
