#ifndef TWEEDIE_CORE_PLAN_OPS_WINOGRAD_WEIGHTS_H_
#define TWEEDIE_CORE_PLAN_OPS_WINOGRAD_WEIGHTS_H_

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

#include "core/plan/ops/convolution.h"

namespace tweedie::plan {

// The weights of a 3x3 convolution, G g G^T of the paper in double precision, for tiles of so many
// pixels and so many equal slices of its channels: [slices, parts, in, out of a slice]. Packed once
// by `options.packed`. Throws dnnl::error.
dnnl::memory WinogradWeights(const ConvolutionOptions& options, int64_t tile, int64_t slices);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_WINOGRAD_WEIGHTS_H_
