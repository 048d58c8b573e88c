#ifndef TWEEDIE_CORE_OPERATORS_SUBSAMPLING_H_
#define TWEEDIE_CORE_OPERATORS_SUBSAMPLING_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// Every stride-th pixel, from (0, 0). INVALID_ARGUMENT: `stride`.
absl::StatusOr<std::shared_ptr<const Operator>> MakeSubsampling(const SubsamplingSpec& spec,
                                                                const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_SUBSAMPLING_H_
