#ifndef TWEEDIE_CORE_PLAN_OPS_WINOGRAD_H_
#define TWEEDIE_CORE_PLAN_OPS_WINOGRAD_H_

#include <memory>

#include "core/plan/ops/convolution.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Whether MakeWinogradConvolution() takes it: float32, 3x3 of stride 1 with a border of one pixel,
// even sides of at least 8 pixels, channels by sixteens.
bool IsForWinograd(const ConvolutionOptions& options);

// A convolution by minimal filtering, F(2x2, 3x3) (Lavin and Gray, 2015, section 4.1): every 2 x 2
// pixels of output from 16 products where there were 36, as 16 matrix products of whole blocks by
// oneDNN between two transforms. Weights are transformed once, in double precision; the result has
// an error of about twice a direct convolution's. Split into blocks of tiles, or channels where
// there are few tiles, which are the same whatever the team. Throws dnnl::error.
std::unique_ptr<const Op> MakeWinogradConvolution(const ConvolutionOptions& options);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_WINOGRAD_H_
