#ifndef TWEEDIE_CORE_OPERATORS_MAKE_OPERATOR_H_
#define TWEEDIE_CORE_OPERATORS_MAKE_OPERATOR_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// Builds the operator for images of `image_shape`; what is random is drawn from
// `seed` (NoisePurpose::kOperator). INVALID_ARGUMENT with the field's path from
// `Operator` (`inpainting.box`, `blur.gaussian.size`) for what does not fit the
// image or is out of range. Thread-safe.
absl::StatusOr<std::shared_ptr<const Operator>> MakeOperator(const OperatorSpec& spec,
                                                             const ImageShape3& image_shape,
                                                             uint64_t seed);

// The kind's name in `Operator.kind`: `super_resolution`.
absl::string_view OperatorKind(const OperatorSpec& spec);

// Whether y has the range [-1, 1] of images.
bool MeasuresImages(const OperatorSpec& spec);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_MAKE_OPERATOR_H_
