#ifndef TWEEDIE_CORE_OPERATORS_IDENTITY_H_
#define TWEEDIE_CORE_OPERATORS_IDENTITY_H_

#include <memory>

#include "core/operators/operator.h"

namespace tweedie {

// y = x: denoising.
std::shared_ptr<const Operator> MakeIdentity(const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_IDENTITY_H_
