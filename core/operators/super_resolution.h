#ifndef TWEEDIE_CORE_OPERATORS_SUPER_RESOLUTION_H_
#define TWEEDIE_CORE_OPERATORS_SUPER_RESOLUTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// A lower resolution. INVALID_ARGUMENT: `factor`.
absl::StatusOr<std::shared_ptr<const Operator>> MakeSuperResolution(const SuperResolutionSpec& spec,
                                                                    const ImageShape3& image_shape);

// The weights of `side` pixels in each of side / factor, float64 [side / factor,
// side], of rows that sum to 1. Bicubic: Keys' kernel ("Cubic convolution
// interpolation", 1981, a = -1/2) as wide as `factor` asks, centred on the block,
// the edges mirrored with the edge pixel repeated: MATLAB's imresize.
at::Tensor BicubicMatrix(int64_t side, int64_t factor);
at::Tensor AverageMatrix(int64_t side, int64_t factor);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_SUPER_RESOLUTION_H_
