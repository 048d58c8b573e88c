#include "core/operators/blur.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/noise/noise.h"
#include "core/operators/blur_kernels.h"
#include "core/operators/checks.h"
#include "core/operators/convolution.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxSize = 511;

// What makes a kernel of each way to say which.
struct KernelMaker {
  absl::StatusOr<at::Tensor> operator()(const BlurSpec::Gaussian& gaussian) const {
    RETURN_IF_ERROR(CheckSize("gaussian.size", gaussian.size));
    if (!(gaussian.sigma > 0 && std::isfinite(gaussian.sigma))) {
      return FieldError("gaussian.sigma",
                        absl::StrCat("must be above 0 and finite; was ", gaussian.sigma));
    }
    return GaussianKernel(gaussian.size, gaussian.sigma);
  }

  absl::StatusOr<at::Tensor> operator()(const BlurSpec::Motion& motion) const {
    RETURN_IF_ERROR(CheckSize("motion.size", motion.size));
    if (!(motion.intensity >= 0 && motion.intensity <= 1)) {
      return FieldError("motion.intensity",
                        absl::StrCat("must be in [0, 1]; was ", motion.intensity));
    }
    return MotionKernel(motion.size, motion.intensity, seed);
  }

  absl::StatusOr<at::Tensor> operator()(const BlurSpec::Random& random) const {
    RETURN_IF_ERROR(CheckSize("random_size", random.size));
    return RandomKernel(random.size, seed);
  }

  absl::StatusOr<at::Tensor> operator()(const at::Tensor& custom) const {
    RETURN_IF_ERROR(CheckValues("custom", custom));
    if (custom.dim() != 2 || custom.size(0) != custom.size(1)) {
      return FieldError("custom", absl::StrCat("must have shape [k, k]; was [",
                                               absl::StrJoin(custom.sizes(), ", "), "]"));
    }
    RETURN_IF_ERROR(CheckSize("custom", custom.size(0)));
    if (!custom.any().item<bool>()) return FieldError("custom", "must not be 0 everywhere");
    return custom.to(at::kDouble).contiguous();
  }

  absl::Status CheckSize(absl::string_view field, int64_t size) const {
    if (size < 1 || size > kMaxSize || size % 2 == 0) {
      return FieldError(field,
                        absl::StrCat("must be of odd side, at most ", kMaxSize, "; was ", size));
    }
    if (boundary != BlurSpec::Boundary::kReflect || size / 2 < side) return absl::OkStatus();
    return FieldError(field, absl::StrCat("must be of side at most ", 2 * side - 1,
                                          ", as REFLECT reaches less than a side beyond the "
                                          "image; was ",
                                          size));
  }

  BlurSpec::Boundary boundary;
  int64_t side;  // the image's smaller
  uint64_t seed;
};

// The part of `kernel` that reaches from a pixel of the image to another: with 0
// beyond the edge, all that does anything.
at::Tensor Reaching(const at::Tensor& kernel, const ImageShape3& image_shape) {
  const int64_t beyond = kernel.size(0) / 2 - std::max(image_shape[1], image_shape[2]) + 1;
  if (beyond <= 0) return kernel;
  const int64_t size = kernel.size(0) - 2 * beyond;
  return kernel.narrow(0, beyond, size).narrow(1, beyond, size).contiguous();
}

// Whether A is 0 but for rounding, as it maps an image of normals to that.
bool IsZero(const Operator& A, const at::Tensor& kernel, const ImageShape3& image_shape) {
  const NoiseKey key{.purpose = NoisePurpose::kOperator};
  const at::Tensor y = A.Forward(Normals(key, 1, image_shape).to(at::kDouble));
  return y.abs().max().item<double>() <= 1e-12 * kernel.abs().sum().item<double>();
}

absl::string_view FieldOfKernel(const BlurSpec& spec) {
  constexpr absl::string_view kFields[] = {"custom", "gaussian.size", "motion.size", "random_size"};
  return kFields[spec.kernel.index()];
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeBlur(const BlurSpec& spec,
                                                         const ImageShape3& image_shape,
                                                         uint64_t seed) {
  const KernelMaker maker{spec.boundary, std::min(image_shape[1], image_shape[2]), seed};
  ASSIGN_OR_RETURN(const at::Tensor kernel, std::visit(maker, spec.kernel));
  const bool zero = spec.boundary == BlurSpec::Boundary::kZero;
  std::shared_ptr<const Operator> A =
      MakeConvolution(zero ? Reaching(kernel, image_shape) : kernel, spec.boundary, image_shape);
  if (!IsZero(*A, kernel, image_shape)) return A;
  return FieldError(FieldOfKernel(spec), "must leave something of an image; made 0 of all");
}

}  // namespace tweedie
