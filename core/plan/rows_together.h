#ifndef TWEEDIE_CORE_PLAN_ROWS_TOGETHER_H_
#define TWEEDIE_CORE_PLAN_ROWS_TOGETHER_H_

#include <algorithm>
#include <cstdint>

namespace tweedie::plan {

// How many rows one thread takes through a plan at once, at most. Weights that its own cache
// does not keep from one row to the next come from further away once for all of these: from memory,
// or from the cache that cores share, for which two are enough. No more rows than whose arenas take
// as much memory as the weights: beside large features weights cost nothing.
inline int RowsTogether(int64_t weight_bytes, int64_t arena_bytes) {
  constexpr int64_t kOwnCache = int64_t{1} << 20, kSharedCache = int64_t{32} << 20;
  if (weight_bytes <= kOwnCache) return 1;
  const int64_t most = weight_bytes <= kSharedCache ? 2 : 4;  // 8 were no faster
  return static_cast<int>(std::clamp<int64_t>(weight_bytes / arena_bytes, 1, most));
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_ROWS_TOGETHER_H_
