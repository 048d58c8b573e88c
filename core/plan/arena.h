#ifndef TWEEDIE_CORE_PLAN_ARENA_H_
#define TWEEDIE_CORE_PLAN_ARENA_H_

#include <algorithm>
#include <cstdint>
#include <map>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Gives features places in one stretch of memory while a plan is made: what is
// released is given out again. Places are 64-byte aligned. Not thread-safe.
class Arena {
 public:
  int64_t Take(int64_t floats) {
    const int64_t size = (floats + kUnit - 1) / kUnit * kUnit;
    auto best = free_.end();
    for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
      const bool fits = hole->second >= size;
      if (fits && (best == free_.end() || hole->second < best->second)) best = hole;
    }
    const int64_t offset = best == free_.end() ? Grow(size) : Cut(best, size);
    taken_[offset] = size;
    return offset;
  }
  Features Take(int64_t channels, int64_t height, int64_t width, Type type = Type::kFloat32) {
    Features features{0, channels, height, width, type};
    features.offset = Take(features.floats());
    return features;
  }

  void Release(int64_t offset) {
    const auto taken = taken_.extract(offset);
    auto hole = free_.emplace(offset, taken.mapped()).first;
    const auto next = std::next(hole);
    if (next != free_.end() && hole->first + hole->second == next->first) {
      hole->second += next->second;
      free_.erase(next);
    }
    if (hole == free_.begin()) return;
    const auto before = std::prev(hole);
    if (before->first + before->second != hole->first) return;
    before->second += hole->second;
    free_.erase(hole);
  }
  void Release(const Features& features) { Release(features.offset); }

  // Floats that are needed in all.
  int64_t size() const { return size_; }

 private:
  static constexpr int64_t kUnit = 16;
  using Holes = std::map<int64_t, int64_t>;  // offset -> size; none touches another

  int64_t Grow(int64_t size) {
    int64_t offset = size_;
    if (!free_.empty() && std::prev(free_.end())->first + std::prev(free_.end())->second == size_) {
      offset = std::prev(free_.end())->first;
      free_.erase(offset);
    }
    size_ = offset + size;
    return offset;
  }
  int64_t Cut(Holes::iterator hole, int64_t size) {
    const auto [offset, whole] = *hole;
    free_.erase(hole);
    if (whole > size) free_[offset + size] = whole - size;
    return offset;
  }

  int64_t size_ = 0;
  Holes free_;
  std::map<int64_t, int64_t> taken_;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_ARENA_H_
