#include "core/operators/inpainting.h"

#include <ATen/ATen.h>

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/operators/bases.h"
#include "core/operators/checks.h"
#include "core/operators/draw.h"
#include "core/operators/per_image.h"

namespace tweedie {
namespace {

class Inpainting final : public LinearOperator {
 public:
  // `mask` float64 [C, H, W].
  Inpainting(at::Tensor mask, const ImageShape3& image_shape)
      : mask_(std::move(mask)), spectrum_(PixelSpectrum(mask_, image_shape)) {}
  at::Tensor Forward(const at::Tensor& x) const override { return x.mul(Like(mask_, x)); }
  at::Tensor Adjoint(const at::Tensor& y) const override { return Forward(y); }
  std::vector<int64_t> output_shape() const override { return mask_.sizes().vec(); }
  at::Tensor measured() const override { return mask_; }
  const Spectrum* spectrum() const override { return &spectrum_; }

 private:
  const at::Tensor mask_;
  const Spectrum spectrum_;
};

// What makes a mask [C, H, W] of each way to say what is missing.
struct MaskMaker {
  absl::StatusOr<at::Tensor> operator()(const at::Tensor& mask) const {
    if (mask.defined() && mask.dim() == 4 && mask.size(0) > 1) {
      return FieldError("mask", absl::StrCat("must be one for all images, as an operator is the "
                                             "same for all of a job; was ",
                                             mask.size(0), " masks"));
    }
    return ReadMask("mask", mask, image_shape);
  }

  absl::StatusOr<at::Tensor> operator()(const InpaintingSpec::Box& box) const {
    const auto [channels, height, width] = image_shape;
    RETURN_IF_ERROR(CheckInRange("box.top", box.top, 0, height - 1));
    RETURN_IF_ERROR(CheckInRange("box.left", box.left, 0, width - 1));
    RETURN_IF_ERROR(CheckInRange("box.height", box.height, 1, height - box.top));
    RETURN_IF_ERROR(CheckInRange("box.width", box.width, 1, width - box.left));
    if (box.height == height && box.width == width) {
      return FieldError("box", "must leave a pixel of the image; was all of it");
    }
    at::Tensor mask = at::ones(image_shape, at::kDouble);
    mask.narrow(1, box.top, box.height).narrow(2, box.left, box.width).zero_();
    return mask;
  }

  absl::StatusOr<at::Tensor> operator()(const InpaintingSpec::Random& random) const {
    if (!(random.fraction >= 0 && random.fraction < 1)) {
      return FieldError("random_fraction",
                        absl::StrCat("must be in [0, 1); was ", random.fraction));
    }
    const at::Tensor u = DrawUniforms(seed, {image_shape[1], image_shape[2]});
    const at::Tensor kept = u.ge(random.fraction).logical_or(u.eq(u.max()));
    return kept.to(at::kDouble).expand(image_shape).contiguous();
  }

  const ImageShape3& image_shape;
  uint64_t seed;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeInpainting(const InpaintingSpec& spec,
                                                               const ImageShape3& image_shape,
                                                               uint64_t seed) {
  ASSIGN_OR_RETURN(at::Tensor mask, std::visit(MaskMaker{image_shape, seed}, spec.missing));
  return std::make_shared<Inpainting>(std::move(mask), image_shape);
}

}  // namespace tweedie
