#ifndef TWEEDIE_CORE_OPERATORS_BLUR_H_
#define TWEEDIE_CORE_OPERATORS_BLUR_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// A convolution of each channel with one kernel, of odd side at most 511.
// INVALID_ARGUMENT: `gaussian...`, `motion...`, `custom`, `random_size`.
absl::StatusOr<std::shared_ptr<const Operator>> MakeBlur(const BlurSpec& spec,
                                                         const ImageShape3& image_shape,
                                                         uint64_t seed);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_BLUR_H_
