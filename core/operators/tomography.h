#ifndef TWEEDIE_CORE_OPERATORS_TOMOGRAPHY_H_
#define TWEEDIE_CORE_OPERATORS_TOMOGRAPHY_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// Parallel-beam line integrals. Computed on the CPU, wherever x lies.
// INVALID_ARGUMENT: `num_angles`, at most 180 or twice the image's diagonal;
// `num_detectors`, at most twice the diagonal.
absl::StatusOr<std::shared_ptr<const Operator>> MakeTomography(const TomographySpec& spec,
                                                               const ImageShape3& image_shape);

// The samples that the projections of one image [C, H, W] walk: what they cost.
double SamplesOfProjection(const TomographySpec& spec, const ImageShape3& image_shape);

// Images [N, C, H, W] of `spec`'s projections y [N, C, angles, detectors] by
// filtered back-projection with the ramp filter (Kak and Slaney, "Principles of
// Computerized Tomographic Imaging", 1988, eq. 3.61): a quick look, not A^+ y.
// INVALID_ARGUMENT as MakeTomography(), and for y of another shape.
absl::StatusOr<at::Tensor> FilteredBackProjection(const TomographySpec& spec,
                                                  const ImageShape3& image_shape,
                                                  const at::Tensor& y);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_TOMOGRAPHY_H_
