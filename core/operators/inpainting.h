#ifndef TWEEDIE_CORE_OPERATORS_INPAINTING_H_
#define TWEEDIE_CORE_OPERATORS_INPAINTING_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// y = mask x. A random mask keeps at least one pixel: where all would be missing,
// that of the largest draw stays. INVALID_ARGUMENT: `mask`, `box...`,
// `random_fraction`.
absl::StatusOr<std::shared_ptr<const Operator>> MakeInpainting(const InpaintingSpec& spec,
                                                               const ImageShape3& image_shape,
                                                               uint64_t seed);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_INPAINTING_H_
