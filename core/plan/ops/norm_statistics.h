#ifndef TWEEDIE_CORE_PLAN_OPS_NORM_STATISTICS_H_
#define TWEEDIE_CORE_PLAN_OPS_NORM_STATISTICS_H_

#include <cstdint>
#include <vector>

#include "core/plan/ops/group_norm.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// What both passes of a group norm, and its gradient's, have of lines and groups.

// Two sums of every channel in every line, in the arena.
struct LineSums {
  int64_t channels;
  float* begin;
  float* First(int64_t line) const { return begin + 2 * channels * line; }
  float* Second(int64_t line) const { return First(line) + channels; }
};

// Those of `height` lines together: the first of every channel, then the second of every channel.
// The thread's own, until it asks for others.
const std::vector<double>& SumsOf(const LineSums& sums, int64_t height);

// Mean and variance of values.
struct Moments {
  double mean, variance;
  // 1 / sqrt(variance + eps). NaN where the sums have overflowed: a zero in its place would hide
  // from everyone behind it that values have no bounds any more.
  double InverseDeviation(double eps) const;
};
// Of each group, from the sums that the norm left in its scratch: of values and of squares, about
// the first value of the channel.
void MakeGroupMoments(const GroupNormOptions& o, const Memory& memory,
                      std::vector<Moments>* groups);

// The factor (1 + scale) gamma of a channel, and what is added.
struct ChannelAffine {
  double factor, shift;
};
ChannelAffine AffineOf(const GroupNormOptions& o, const Memory& memory, int64_t channel);

// scale and shift, of every channel: y = scale x + shift is the whole norm before SiLU.
void MakeAffine(const GroupNormOptions& o, const Memory& memory, std::vector<float>* scale,
                std::vector<float>* shift);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_NORM_STATISTICS_H_
