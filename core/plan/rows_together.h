#ifndef TWEEDIE_CORE_PLAN_ROWS_TOGETHER_H_
#define TWEEDIE_CORE_PLAN_ROWS_TOGETHER_H_

#include <algorithm>
#include <cstdint>

namespace tweedie::plan {

// How many rows one thread takes through a plan at once, at most. Weights that no cache
// keeps from one row to the next come from memory once for all of these. Smaller weights
// gain nothing by it; nor do they beside large features, each of which costs an arena.
inline int RowsTogether(int64_t weight_bytes, int64_t arena_bytes) {
  constexpr int64_t kCache = int64_t{32} << 20;
  constexpr int64_t kMost = 4;  // 8 were no faster
  if (weight_bytes <= kCache) return 1;
  return static_cast<int>(std::clamp<int64_t>(weight_bytes / (2 * arena_bytes), 1, kMost));
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_ROWS_TOGETHER_H_
