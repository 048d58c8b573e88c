#ifndef TWEEDIE_CORE_OPERATORS_GRAYSCALE_H_
#define TWEEDIE_CORE_OPERATORS_GRAYSCALE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"

namespace tweedie {

// y = 0.299 R + 0.587 G + 0.114 B. INVALID_ARGUMENT for the field `grayscale`
// itself unless images have three channels.
absl::StatusOr<std::shared_ptr<const Operator>> MakeGrayscale(const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_GRAYSCALE_H_
