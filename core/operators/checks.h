#ifndef TWEEDIE_CORE_OPERATORS_CHECKS_H_
#define TWEEDIE_CORE_OPERATORS_CHECKS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/operators/operator.h"

namespace tweedie {

// INVALID_ARGUMENT for `field` unless `tensor` is there, float32 and finite.
absl::Status CheckValues(absl::string_view field, const at::Tensor& tensor);

// Likewise, unless its shape is [n, shape...] for some n of at least 1.
absl::Status CheckRows(absl::string_view field, const at::Tensor& tensor, at::IntArrayRef shape);

// `mask` as float64 of `shape`; INVALID_ARGUMENT for `field` unless it can be
// broadcast to it (leading sides of 1 are dropped), holds only 0 and 1, and is
// not 0 everywhere.
absl::StatusOr<at::Tensor> ReadMask(absl::string_view field, const at::Tensor& mask,
                                    at::IntArrayRef shape);

// INVALID_ARGUMENT for `field` unless `divisor` is at least 2 and divides the
// image's height and width.
absl::Status CheckDivides(absl::string_view field, int64_t divisor, const ImageShape3& image_shape);

// INVALID_ARGUMENT for `field` unless `value` is in [low, high].
absl::Status CheckInRange(absl::string_view field, int64_t value, int64_t low, int64_t high);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_CHECKS_H_
