#ifndef TWEEDIE_CORE_PLAN_OPS_BFLOAT16_KERNELS_H_
#define TWEEDIE_CORE_PLAN_OPS_BFLOAT16_KERNELS_H_

#include <cstdint>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Loops for CPUs that pass CheckBfloat16Cpu(), in whose instructions they are written.

// y[p, c] = SiLU(x[p, c] scale[c] + shift[c]), v / (1 + exp(-v)), to the nearest bfloat16, but
// where that is all but halfway to another: what is rounded has a relative error of 2^-13. What
// is below the least normal number, 1.2e-38, may be zero. Pixels of y are `y_stride` apart.
void AffineSilu(const float* x, int64_t pixels, int64_t channels, const float* scale,
                const float* shift, Bfloat16* y, int64_t y_stride);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_BFLOAT16_KERNELS_H_
