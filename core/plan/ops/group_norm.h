#ifndef TWEEDIE_CORE_PLAN_OPS_GROUP_NORM_H_
#define TWEEDIE_CORE_PLAN_OPS_GROUP_NORM_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Group normalisation (Wu and He, 2018) of features that may lie in two places, one
// behind the other in channels: so what the way up joins is never copied.
struct GroupNormOptions {
  std::vector<Features> in;  // float32
  Features out;              // of either type; see CheckBfloat16Cpu()
  int64_t num_groups = 1;
  double eps = 1e-5;
  // [channels] each.
  std::vector<float> gamma, beta;
  // Where in Row::time a scale and then a shift of the channels begin, which are
  // applied after gamma and beta as (1 + scale) v + shift; -1: none.
  int64_t time_scale = -1;
  bool silu = false;  // applied last
  // Floats of the arena for GroupNormScratch(out).
  int64_t scratch = 0;
};

// Floats that the norm of such features needs beside them.
int64_t GroupNormScratch(const Features& features);

// Two ops: moments of each line and channel, about the channel's first value, and
// what is made of them in double precision. Both are split by lines.
void AddGroupNorm(GroupNormOptions options, Ops* ops);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_GROUP_NORM_H_
