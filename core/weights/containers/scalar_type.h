#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_SCALAR_TYPE_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_SCALAR_TYPE_H_

#include <ATen/core/Tensor.h>

#include <optional>

#include "core/weights/containers/element_type.h"

namespace tweedie {

// LibTorch's name of the type.
at::ScalarType ScalarTypeOf(ElementType type);

// The other way round; nullopt for types that files of weights do not have.
std::optional<ElementType> ElementTypeOf(at::ScalarType type);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_SCALAR_TYPE_H_
