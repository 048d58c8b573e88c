#ifndef TWEEDIE_CORE_OPERATORS_SPECTRUM_H_
#define TWEEDIE_CORE_OPERATORS_SPECTRUM_H_

#include <ATen/core/Tensor.h>

#include <memory>

namespace tweedie {

// An orthonormal basis V of the images [C, H, W]. Coordinates have the image's
// shape. float32 or float64; each image alone. Immutable, hence thread-safe.
class Basis {
 public:
  virtual ~Basis() = default;
  virtual at::Tensor Coordinates(const at::Tensor& x) const = 0;  // V^T x, [N, C, H, W]
  virtual at::Tensor Images(const at::Tensor& c) const = 0;       // V c, [N, C, H, W]
};

// A linear operator by its right singular vectors: A^T A = V diag(s^2) V^T. Then
// U^T y = s^-1 V^T A^T y, so the left ones are not needed (solve.h).
struct Spectrum {
  std::unique_ptr<const Basis> basis;
  // [C, H, W], float64, at least 0; what is 0 but for rounding is 0.
  at::Tensor singular_values;
};

// Singular values of at most this part of the largest are not inverted: A^+
// makes 1 / s of the roundings of float32 measurements and images, and with them
// of y that is noisier than it is said to be.
inline constexpr double kLeastMeasurable = 1e-3;

// Which coordinates count as measured where A is inverted: bool [C, H, W],
// singular values above kLeastMeasurable times the largest.
at::Tensor Measurable(const Spectrum& spectrum);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_SPECTRUM_H_
