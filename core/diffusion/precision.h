#ifndef TWEEDIE_CORE_DIFFUSION_PRECISION_H_
#define TWEEDIE_CORE_DIFFUSION_PRECISION_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// In what numbers a network is evaluated. What it is given and what it returns are
// float32 in all of them.
enum class Precision {
  kFloat32,
  kTf32,      // weights and features float32, 10 bits of mantissa in their products
  kBfloat16,  // weights and features: 7 bits of mantissa, the range of float32
  kFloat16,   // weights and features: 10 bits of mantissa, numbers up to 65504
};

// "float32", "tf32", "bfloat16", "float16": as options, checkpoints and protos say it.
absl::string_view PrecisionName(Precision precision);
// INVALID_ARGUMENT for another name.
absl::StatusOr<Precision> ParsePrecision(absl::string_view name);

// Of one weight in memory.
int BytesPerWeight(Precision precision);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_PRECISION_H_
