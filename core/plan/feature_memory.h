#ifndef TWEEDIE_CORE_PLAN_FEATURE_MEMORY_H_
#define TWEEDIE_CORE_PLAN_FEATURE_MEMORY_H_

#include <cstdint>
#include <map>

#include "core/plan/arena.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Features by who still needs them, while a plan is made. They have one holder when they are
// made, and their place until none is left. Not thread-safe.
class FeatureMemory {
 public:
  Features New(int64_t channels, int64_t height, int64_t width, Type type = Type::kFloat32) {
    Features features = arena_.Take(channels, height, width, type);
    features.id = ++last_id_;
    holders_[features.id] = 1;
    return features;
  }
  Features NewLike(const Features& other) {
    return New(other.channels, other.height, other.width, other.type);
  }
  void Keep(const Features& features) { ++holders_.at(features.id); }
  void Release(const Features& features) {
    if (--holders_.at(features.id) > 0) return;
    holders_.erase(features.id);
    arena_.Release(features);
  }

  // What is needed within an op, or from one to another, and has no shape.
  int64_t TakeScratch(int64_t floats) { return arena_.Take(floats); }
  void ReleaseScratch(int64_t offset) { arena_.Release(offset); }

  // Floats that are needed in all.
  int64_t size() const { return arena_.size(); }

 private:
  Arena arena_;
  int last_id_ = 0;
  std::map<int, int> holders_;  // of features, by their ids
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_FEATURE_MEMORY_H_
