#include "core/operators/super_resolution.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/base/status_macros.h"
#include "core/operators/boundary.h"
#include "core/operators/checks.h"
#include "core/operators/separable.h"

namespace tweedie {
namespace {

double Cubic(double at) {
  const double x = std::fabs(at);
  if (x >= 2) return 0;
  return x <= 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
}

}  // namespace

at::Tensor BicubicMatrix(int64_t side, int64_t factor) {
  const int64_t smaller = side / factor;
  at::Tensor matrix = at::zeros({smaller, side}, at::kDouble);
  auto weights = matrix.accessor<double, 2>();
  const double scale = static_cast<double>(factor);
  for (int64_t i = 0; i < smaller; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    for (int64_t from = (i - 2) * factor; from < (i + 3) * factor; ++from) {
      weights[i][MirroredWithEdge(from, side)] +=
          Cubic((static_cast<double>(from) - centre) / scale);
    }
  }
  return matrix.div(matrix.sum(1, /*keepdim=*/true));
}

at::Tensor AverageMatrix(int64_t side, int64_t factor) {
  return at::eye(side / factor, at::kDouble)
      .repeat_interleave(factor, 1)
      .div(static_cast<double>(factor));
}

absl::StatusOr<std::shared_ptr<const Operator>> MakeSuperResolution(
    const SuperResolutionSpec& spec, const ImageShape3& image_shape) {
  RETURN_IF_ERROR(CheckDivides("factor", spec.factor, image_shape));
  const auto matrix =
      spec.kernel == SuperResolutionSpec::Kernel::kAverage ? &AverageMatrix : &BicubicMatrix;
  return MakeSeparable(matrix(image_shape[1], spec.factor), matrix(image_shape[2], spec.factor),
                       image_shape);
}

}  // namespace tweedie
