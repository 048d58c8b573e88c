#include "core/methods/spectral_rows.h"

#include <ATen/ATen.h>

#include "core/operators/solve.h"
#include "core/operators/spectrum.h"

namespace tweedie {
namespace {

// The deviation of each row [n, 1, 1, 1], or of all [1, 1, 1, 1].
at::Tensor Deviations(const Measurement& measurement, int samples_per_image) {
  const at::Tensor sigma =
      at::tensor(at::ArrayRef<double>(measurement.sigma), at::kDouble).view({-1, 1, 1, 1});
  if (sigma.eq(sigma[0]).all().item<bool>()) return sigma.narrow(0, 0, 1);
  return sigma.repeat_interleave(samples_per_image, 0);
}

}  // namespace

SpectralRows::SpectralRows(const TaskContext& context) : A_(context.measurement->A) {
  const int samples = context.samples_per_image;
  const Spectrum& spectrum = *A_->linear()->spectrum();
  measured = Measurable(spectrum);
  const at::Tensor inverse = at::where(measured, spectrum.singular_values.reciprocal(), 0.0);
  y_bar = MeasuredCoordinates(*A_->linear(), context.measurement->y.to(at::kDouble))
              .mul(inverse)
              .repeat_interleave(samples, 0);
  deviation = Deviations(*context.measurement, samples).mul(inverse);
}

at::Tensor SpectralRows::Coordinates(const at::Tensor& x) const {
  return A_->linear()->spectrum()->basis->Coordinates(x.to(at::kDouble));
}

at::Tensor SpectralRows::Images(const at::Tensor& c) const {
  return A_->linear()->spectrum()->basis->Images(c).to(at::kFloat);
}

}  // namespace tweedie
