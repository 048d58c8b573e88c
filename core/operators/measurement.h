#ifndef TWEEDIE_CORE_OPERATORS_MEASUREMENT_H_
#define TWEEDIE_CORE_OPERATORS_MEASUREMENT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

struct GaussianNoise {
  double sigma = 0;  // in the units of y, at least 0
};

// y = 2 Poisson(rate (z + 1) / 2) / rate - 1 for z = A(x), z below -1 as -1.
struct PoissonNoise {
  double rate = 0;  // counts at full intensity, above 0
};

using NoiseModel = std::variant<std::monostate, GaussianNoise, PoissonNoise>;

// A measurement as asked for: exactly one of `y` and `simulate_from` is set.
struct MeasurementSpec {
  OperatorSpec forward_operator;
  NoiseModel noise;
  at::Tensor y;              // [M, ...], float32
  at::Tensor simulate_from;  // [M, C, H, W], float32, clean images
};

// A measurement that a method can work with: y = noise(A(x)).
struct Measurement {
  std::shared_ptr<const Operator> A;
  at::Tensor y;  // [M, A->output_shape()...], float32, on the CPU
  // Whether it is made with noise, by its noise model alone: a sigma above 0, or
  // Poisson.
  bool noisy = false;
  // The noise's deviation, one a measurement: for Poisson the root of its mean
  // variance, 2 max(y + 1, 0) / rate, over what is measured; 0 if there is none.
  std::vector<double> sigma;
};

// The measurements of `spec`; 0 if it has none.
int64_t NumMeasurements(const MeasurementSpec& spec);

// Builds the operator and takes y, or makes it: clean image i is measured with
// noise (seed, i, NoisePurpose::kMeasurement). y is 0 where the operator does not
// measure. INVALID_ARGUMENT with the field's path from `Measurement`
// (`forward_operator.blur.custom`, `y`, `noise.poisson`): a shape that does not
// fit (the message says the right one), values that are not finite, both
// sources or none, Poisson for an operator whose y has not the range of images
// (MRI, tomography, phase retrieval). Thread-safe.
absl::StatusOr<Measurement> Measure(const MeasurementSpec& spec, const ImageShape3& image_shape,
                                    uint64_t seed);

// ||y - A(x)||_2 of each image [n, C, H, W]; image i is of measurement
// i / (n / M). float64 [n].
std::vector<double> Residuals(const Measurement& measurement, const at::Tensor& images);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_MEASUREMENT_H_
