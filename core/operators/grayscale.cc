#include "core/operators/grayscale.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/operators/bases.h"

namespace tweedie {
namespace {

constexpr double kRed = 0.299, kGreen = 0.587, kBlue = 0.114;

// Single products and sums: each pixel rounds alike, wherever it lies.
class Grayscale final : public LinearOperator {
 public:
  explicit Grayscale(const ImageShape3& image_shape)
      : image_shape_(image_shape),
        spectrum_(ChannelSpectrum(at::tensor({kRed, kGreen, kBlue}, at::kDouble), image_shape)) {}

  at::Tensor Forward(const at::Tensor& x) const override {
    const std::vector<at::Tensor> rgb = x.split(1, 1);
    return rgb[0].mul(kRed).add(rgb[1].mul(kGreen)).add(rgb[2].mul(kBlue));
  }

  at::Tensor Adjoint(const at::Tensor& y) const override {
    return at::cat({y.mul(kRed), y.mul(kGreen), y.mul(kBlue)}, 1);
  }

  std::vector<int64_t> output_shape() const override {
    return {1, image_shape_[1], image_shape_[2]};
  }

  const Spectrum* spectrum() const override { return &spectrum_; }

 private:
  const ImageShape3 image_shape_;
  const Spectrum spectrum_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeGrayscale(const ImageShape3& image_shape) {
  if (image_shape[0] == 3) return std::make_shared<Grayscale>(image_shape);
  return FieldError(
      "grayscale",
      absl::StrCat("must be of images with 3 channels; the model's have ", image_shape[0]));
}

}  // namespace tweedie
