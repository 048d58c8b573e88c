#ifndef TWEEDIE_TESTS_TESTING_MEASUREMENT_SPECS_H_
#define TWEEDIE_TESTS_TESTING_MEASUREMENT_SPECS_H_

#include <ATen/ATen.h>

#include <utility>

#include "core/methods/task.h"
#include "core/operators/measurement.h"

namespace tweedie {

// `images` measured by A, with Gaussian noise of `sigma`, or none if it is 0.
inline MeasurementSpec Simulated(OperatorSpec A, at::Tensor images, double sigma = 0) {
  MeasurementSpec spec;
  spec.forward_operator = std::move(A);
  if (sigma > 0) spec.noise = GaussianNoise{sigma};
  spec.simulate_from = std::move(images);
  return spec;
}

// The same with measured values at hand.
inline MeasurementSpec Given(OperatorSpec A, at::Tensor y, double sigma = 0) {
  MeasurementSpec spec = Simulated(std::move(A), at::Tensor(), sigma);
  spec.y = std::move(y);
  return spec;
}

// A blur whose kernel is no mirror image of itself, and whose norm is above 1.
inline BlurSpec SkewBlur() {
  BlurSpec blur;
  blur.kernel =
      at::tensor({0.1, -0.05, 0.3, 0.2, 0.5, 0.0, 0.15, 0.05, -0.2}, at::kFloat).view({3, 3});
  blur.boundary = BlurSpec::Boundary::kCircular;
  return blur;
}

inline SuperResolutionSpec BlockMeans() {
  return SuperResolutionSpec{2, SuperResolutionSpec::Kernel::kAverage};
}

inline InpaintingSpec Masked(at::Tensor mask) {
  InpaintingSpec inpainting;
  inpainting.missing = std::move(mask);
  return inpainting;
}

// A task of the kind with these, and all else left open.
template <typename SomeTask>
SomeTask TaskFor(MeasurementSpec measurement, ReverseProcessSpec process = SomeTask().process) {
  SomeTask task;
  task.measurement = std::move(measurement);
  task.process = process;
  return task;
}

inline AldTask LangevinFor(MeasurementSpec measurement, const ReverseProcessSpec& process) {
  AldTask task = TaskFor<AldTask>(std::move(measurement), process);
  task.prior = AldPrior::kLangevin;
  return task;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_MEASUREMENT_SPECS_H_
