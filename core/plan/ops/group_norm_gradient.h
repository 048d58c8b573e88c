#ifndef TWEEDIE_CORE_PLAN_OPS_GROUP_NORM_GRADIENT_H_
#define TWEEDIE_CORE_PLAN_OPS_GROUP_NORM_GRADIENT_H_

#include <cstdint>
#include <vector>

#include "core/plan/ops/group_norm.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// The backward pass of a group norm by its input.
struct GroupNormGradientOptions {
  // Of the forward pass, whose input and scratch are as it left them.
  GroupNormOptions norm;
  Features out;  // the gradient of norm.out; used up
  struct Piece {
    Features gradient;  // of one of norm.in; may be `out` where there is one piece
    bool accumulate;    // added to what it holds; not where it is `out`
  };
  std::vector<Piece> in;
  // Floats of the arena for GroupNormScratch(out).
  int64_t scratch = 0;
};

// Two ops, as the norm itself: sums of each line and channel, and the rest by what is made of
// them in double precision.
void AddGroupNormGradient(GroupNormGradientOptions options, Ops* ops);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_GROUP_NORM_GRADIENT_H_
