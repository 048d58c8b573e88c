#include "core/operators/phase_retrieval.h"

#include <ATen/ATen.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/operators/per_image.h"

namespace tweedie {
namespace {

constexpr double kMaxPadding = 4;
constexpr int64_t kPlane[] = {-2, -1};

class PhaseRetrieval final : public Operator {
 public:
  PhaseRetrieval(double padding, const ImageShape3& image_shape)
      : image_shape_(image_shape),
        rows_(PaddingOf(padding, image_shape[1])),
        columns_(PaddingOf(padding, image_shape[2])) {}

  // The derivative of at::abs at a complex 0 is 0.
  at::Tensor Forward(const at::Tensor& x) const override {
    return PerImage(x, [this](const at::Tensor& image) {
      const at::Tensor intensity = image.add(1).div(2);
      const at::Tensor padded = at::constant_pad_nd(intensity, {columns_, columns_, rows_, rows_});
      const at::Tensor transform = at::fft_fft2(padded, at::OptionalIntArrayRef(), kPlane, "ortho");
      return at::fft_fftshift(transform, kPlane).abs();
    });
  }

  std::vector<int64_t> output_shape() const override {
    const auto [channels, height, width] = image_shape_;
    return {channels, height + 2 * rows_, width + 2 * columns_};
  }

 private:
  static int64_t PaddingOf(double padding, int64_t side) {
    return static_cast<int64_t>(std::floor(padding * static_cast<double>(side)));
  }

  const ImageShape3 image_shape_;
  const int64_t rows_, columns_;  // of zeros on each side
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakePhaseRetrieval(const PhaseRetrievalSpec& spec,
                                                                   const ImageShape3& image_shape) {
  if (!(spec.padding >= 0 && spec.padding <= kMaxPadding)) {
    return FieldError("padding",
                      absl::StrCat("must be in [0, ", kMaxPadding, "]; was ", spec.padding));
  }
  return std::make_shared<PhaseRetrieval>(spec.padding, image_shape);
}

}  // namespace tweedie
