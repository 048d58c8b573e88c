#include "core/plan/gradient_tape.h"

#include <c10/util/Exception.h>

#include "core/plan/ops/move_gradients.h"

namespace tweedie::plan {

Ops GradientTape::Rewind() {
  for (; !steps_.empty(); steps_.pop_back()) steps_.back()(*this);
  TORCH_CHECK(gradients_.empty(), gradients_.size(), " gradients are left over");
  return std::move(ops_);
}

Features GradientTape::Take(const Features& of) {
  const Features gradient = Get(of);
  gradients_.erase(of.id);
  return gradient;
}

const Features& GradientTape::Get(const Features& of) const {
  const auto found = gradients_.find(of.id);
  TORCH_CHECK(found != gradients_.end(), "features ", of.id, " have no gradient");
  return found->second;
}

GradientTape::Target GradientTape::Into(const Features& of) {
  const auto found = gradients_.find(of.id);
  if (found != gradients_.end()) return {found->second, true};
  return {gradients_[of.id] = memory_.NewLike(of), false};
}

void GradientTape::Pass(const Features& gradient, const Features& of) {
  const auto [place, first] = gradients_.try_emplace(of.id, gradient);
  if (first) return;
  Append(MakeAdd(gradient, place->second));
  memory_.Release(gradient);
}

}  // namespace tweedie::plan
