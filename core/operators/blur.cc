#include "core/operators/blur.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
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

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeBlur(const BlurSpec& spec,
                                                         const ImageShape3& image_shape,
                                                         uint64_t seed) {
  const KernelMaker maker{spec.boundary, std::min(image_shape[1], image_shape[2]), seed};
  ASSIGN_OR_RETURN(const at::Tensor kernel, std::visit(maker, spec.kernel));
  return MakeConvolution(kernel, spec.boundary, image_shape);
}

}  // namespace tweedie
