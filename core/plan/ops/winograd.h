#ifndef TWEEDIE_CORE_PLAN_OPS_WINOGRAD_H_
#define TWEEDIE_CORE_PLAN_OPS_WINOGRAD_H_

#include <memory>

#include "core/plan/ops/convolution.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// The side of the tiles by which MakeWinogradConvolution() computes it; 0: it does not take it,
// which is float32, 3x3 of stride 1 with a border of one pixel, even sides of at least 8 pixels,
// channels by sixteens. 4 where sides are at least 16 and divide, else 2: larger tiles have fewer
// products and more weights, which want tiles to be read for.
int64_t WinogradTile(const ConvolutionOptions& options);

// A convolution by minimal filtering, F(2x2, 3x3) or F(4x4, 3x3) (Lavin and Gray, 2015, section
// 4.1): a pixel of output from 4 or 2.25 products where there were 9, as 16 or 36 matrix products
// of whole blocks by oneDNN between two transforms. Weights are transformed once, in double
// precision; errors are about those of summing a direct convolution in order, or with tiles of 4
// twice those (winograd_points.h). Split into blocks of tiles, or channels where there are few
// tiles, which are the same whatever the team. Throws dnnl::error.
std::unique_ptr<const Op> MakeWinogradConvolution(const ConvolutionOptions& options);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_WINOGRAD_H_
