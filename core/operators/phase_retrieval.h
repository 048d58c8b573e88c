#ifndef TWEEDIE_CORE_OPERATORS_PHASE_RETRIEVAL_H_
#define TWEEDIE_CORE_OPERATORS_PHASE_RETRIEVAL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// Magnitudes of the zero-padded Fourier transform of (x + 1) / 2. Their gradient
// where they are 0 is taken as 0. INVALID_ARGUMENT: `padding`, in [0, 4].
absl::StatusOr<std::shared_ptr<const Operator>> MakePhaseRetrieval(const PhaseRetrievalSpec& spec,
                                                                   const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_PHASE_RETRIEVAL_H_
