#include "core/operators/subsampling.h"

#include <ATen/ATen.h>

#include "core/base/status_macros.h"
#include "core/operators/bases.h"
#include "core/operators/checks.h"

namespace tweedie {
namespace {

class Subsampling final : public LinearOperator {
 public:
  Subsampling(int64_t stride, const ImageShape3& image_shape)
      : stride_(stride), image_shape_(image_shape), spectrum_(MakeSpectrum()) {}

  at::Tensor Forward(const at::Tensor& x) const override { return Kept(x).contiguous(); }

  at::Tensor Adjoint(const at::Tensor& y) const override {
    const auto [channels, height, width] = image_shape_;
    at::Tensor x = at::zeros({y.size(0), channels, height, width}, y.options());
    Kept(x).copy_(y);
    return x;
  }

  std::vector<int64_t> output_shape() const override {
    const auto [channels, height, width] = image_shape_;
    return {channels, height / stride_, width / stride_};
  }

  const Spectrum* spectrum() const override { return &spectrum_; }

 private:
  at::Tensor Kept(const at::Tensor& x) const {
    return x.slice(-2, 0, x.size(-2), stride_).slice(-1, 0, x.size(-1), stride_);
  }

  Spectrum MakeSpectrum() const {
    at::Tensor kept = at::zeros(image_shape_, at::kDouble);
    Kept(kept).fill_(1);
    return PixelSpectrum(kept, image_shape_);
  }

  const int64_t stride_;
  const ImageShape3 image_shape_;
  const Spectrum spectrum_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeSubsampling(const SubsamplingSpec& spec,
                                                                const ImageShape3& image_shape) {
  RETURN_IF_ERROR(CheckDivides("stride", spec.stride, image_shape));
  return std::make_shared<Subsampling>(spec.stride, image_shape);
}

}  // namespace tweedie
