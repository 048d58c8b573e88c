#ifndef TWEEDIE_CORE_PLAN_OPS_MOVE_GRADIENTS_H_
#define TWEEDIE_CORE_PLAN_OPS_MOVE_GRADIENTS_H_

#include <cstdint>
#include <memory>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// The transposes of the ops of moves.h, on gradients, split by lines of what they write. All are
// float32. `accumulate`: added to what `out` holds.

// Row::out_gradient to features, each value divided by Row::time[divisor] unless that is -1.
std::unique_ptr<const Op> MakeOutputGradient(const Features& out, int64_t divisor);
// Features, times factor, to Row::x_gradient.
std::unique_ptr<const Op> MakeInputGradient(const Features& in, float factor);
// Sums of 2 x 2 pixels: of MakeUpsample.
std::unique_ptr<const Op> MakeSumPool(const Features& in, const Features& out, bool accumulate);
// A quarter of each pixel to 2 x 2 pixels: of MakeAveragePool.
std::unique_ptr<const Op> MakeSpread(const Features& in, const Features& out, bool accumulate);
// One of each 2 x 2 pixels: of a piece of MakeInterleave, the one `below` and to the `right`.
std::unique_ptr<const Op> MakePick(const Features& in, bool below, bool right, const Features& out,
                                   bool accumulate);
// Channels of `in` from `first` on: of a piece of MakeJoin.
std::unique_ptr<const Op> MakeSlice(const Features& in, int64_t first, const Features& out,
                                    bool accumulate);
// out += in.
std::unique_ptr<const Op> MakeAdd(const Features& in, const Features& out);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_MOVE_GRADIENTS_H_
