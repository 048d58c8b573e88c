#ifndef TWEEDIE_CORE_PLAN_OPS_MOVES_H_
#define TWEEDIE_CORE_PLAN_OPS_MOVES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Ops that move features, float32 unless said, without convolving them, split by lines of the
// output.

// Row::x, [C, H, W], to features, as factor x + shift.
std::unique_ptr<const Op> MakeInput(const Features& out, float factor, float shift);
// Features to Row::out, [C, H, W], each value divided by Row::time[divisor] unless
// that is -1.
std::unique_ptr<const Op> MakeOutput(const Features& in, int64_t divisor);
// Every pixel twice, in both directions.
std::unique_ptr<const Op> MakeUpsample(const Features& in, const Features& out);
// Every 2 x 2 pixels of `out` from one of each of the four `in`: above left, above right,
// below left, below right. `accumulate`: added to what `out` holds.
std::unique_ptr<const Op> MakeInterleave(const std::vector<Features>& in, const Features& out,
                                         bool accumulate = false);
// Means of 2 x 2 pixels.
std::unique_ptr<const Op> MakeAveragePool(const Features& in, const Features& out);
// The features of `in`, one or more, side by side in channels; `out` may be bfloat16.
std::unique_ptr<const Op> MakeJoin(const std::vector<Features>& in, const Features& out);
// In place.
std::unique_ptr<const Op> MakeScale(const Features& features, float factor);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_MOVES_H_
