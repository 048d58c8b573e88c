#ifndef TWEEDIE_CORE_DIFFUSION_SCALAR_TYPE_H_
#define TWEEDIE_CORE_DIFFUSION_SCALAR_TYPE_H_

#include <ATen/core/Tensor.h>

#include "core/diffusion/precision.h"

namespace tweedie {

// Of weights and features.
inline at::ScalarType ScalarTypeOf(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
    case Precision::kTf32:
      return at::kFloat;
    case Precision::kBfloat16:
      return at::kBFloat16;
    case Precision::kFloat16:
      return at::kHalf;
  }
  TORCH_CHECK(false, "unknown precision");
}

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_SCALAR_TYPE_H_
