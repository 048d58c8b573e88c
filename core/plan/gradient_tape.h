#ifndef TWEEDIE_CORE_PLAN_GRADIENT_TAPE_H_
#define TWEEDIE_CORE_PLAN_GRADIENT_TAPE_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/plan/feature_memory.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// What the ops of a forward pass leave for the backward pass: how each takes the gradient of
// what it made, and adds to those of what it was made of. A gradient is features of the same
// shape, which have a place from when something is first added until they are taken. Not
// thread-safe.
class GradientTape {
 public:
  // `memory` outlives it.
  explicit GradientTape(FeatureMemory* memory) : memory_(*memory) {}

  // `step` appends ops, and lets go of what was kept for them.
  using Step = std::function<void(GradientTape&)>;
  void Record(Step step) { steps_.push_back(std::move(step)); }
  // The backward pass, the last step first.
  Ops Rewind();

  // The following are for steps.
  void Append(std::unique_ptr<const Op> op) { ops_.push_back(std::move(op)); }
  Ops& ops() { return ops_; }
  FeatureMemory& memory() { return memory_; }

  // Whether something was added to that of `of`.
  bool Has(const Features& of) const { return gradients_.count(of.id) > 0; }
  // That of features to which all who used them have added: the caller's now. Throws
  // c10::Error if nobody has.
  Features Take(const Features& of);
  // Likewise, but it stays there for a step that has made the features before.
  const Features& Get(const Features& of) const;
  // Where a step puts its part of the gradient of what it used.
  struct Target {
    Features features;
    bool accumulate;  // added to what is there; else written
  };
  Target Into(const Features& of);
  // All of `gradient`, which was taken, is part of that of `of`, and becomes it if it is the
  // first.
  void Pass(const Features& gradient, const Features& of);

 private:
  FeatureMemory& memory_;
  std::vector<Step> steps_;
  Ops ops_;
  std::map<int, Features> gradients_;  // by the ids of the features
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_GRADIENT_TAPE_H_
