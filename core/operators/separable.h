#ifndef TWEEDIE_CORE_OPERATORS_SEPARABLE_H_
#define TWEEDIE_CORE_OPERATORS_SEPARABLE_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/operators/operator.h"

namespace tweedie {

// y = rows x columns^T on each channel, for small dense matrices rows [h, H] and
// columns [w, W], float64. y is [C, h, w].
std::shared_ptr<const LinearOperator> MakeSeparable(const at::Tensor& rows,
                                                    const at::Tensor& columns,
                                                    const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_SEPARABLE_H_
