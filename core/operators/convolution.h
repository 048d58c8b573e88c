#ifndef TWEEDIE_CORE_OPERATORS_CONVOLUTION_H_
#define TWEEDIE_CORE_OPERATORS_CONVOLUTION_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// y[i] = sum_j kernel[j] x[i - (j - k/2)] on each channel, for a kernel [k, k],
// float64, k odd; k/2 below both sides for kReflect. Circular convolutions have
// a Hartley spectrum, kernels of rank one (to the rounding of float32) a
// separable one, others none.
std::shared_ptr<const LinearOperator> MakeConvolution(const at::Tensor& kernel,
                                                      BlurSpec::Boundary boundary,
                                                      const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_CONVOLUTION_H_
