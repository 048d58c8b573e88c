#ifndef TWEEDIE_CORE_PLAN_CONVOLUTION_GRADIENT_H_
#define TWEEDIE_CORE_PLAN_CONVOLUTION_GRADIENT_H_

#include <ATen/core/Tensor.h>

#include "core/plan/gradient_tape.h"
#include "core/plan/ops/convolution.h"

namespace tweedie::plan {

// Adds to the gradient of `c.in` what the convolution with `weight` [out, in, k, k] makes of
// `gradient`, that of `c.out`: the convolution with the transposed weight, of which each pixel
// is seen from the other side. For strides of 1, and 2 with 3x3 weights. Throws c10::Error.
void RewindConvolution(const ConvolutionOptions& c, const at::Tensor& weight,
                       const Features& gradient, GradientTape& tape);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_CONVOLUTION_GRADIENT_H_
