#ifndef TWEEDIE_CORE_OPERATORS_MRI_H_
#define TWEEDIE_CORE_OPERATORS_MRI_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// y = mask F x of each channel, F the orthonormal 2-D FFT with frequency 0 at
// (H/2, W/2) (fftshift); [C, H, W, 2]. Random columns: round(W / acceleration)
// of them, of which round(center_fraction W) about frequency 0 are always there
// and the others are equally likely. INVALID_ARGUMENT: `mask`,
// `random_columns...`.
absl::StatusOr<std::shared_ptr<const Operator>> MakeMri(const MriSpec& spec,
                                                        const ImageShape3& image_shape,
                                                        uint64_t seed);

// The center_fraction of random columns that leave it open: 0.08, or what is
// measured if that is less. `acceleration` above 0.
double DefaultCenterFraction(double acceleration, int64_t width);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_MRI_H_
