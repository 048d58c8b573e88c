#include "core/operators/identity.h"

#include <ATen/ATen.h>

#include "core/operators/bases.h"

namespace tweedie {
namespace {

class Identity final : public LinearOperator {
 public:
  explicit Identity(const ImageShape3& image_shape)
      : image_shape_(image_shape),
        spectrum_(PixelSpectrum(at::ones({1}, at::kDouble), image_shape)) {}
  at::Tensor Forward(const at::Tensor& x) const override { return x; }
  at::Tensor Adjoint(const at::Tensor& y) const override { return y; }
  std::vector<int64_t> output_shape() const override {
    return {image_shape_.begin(), image_shape_.end()};
  }
  const Spectrum* spectrum() const override { return &spectrum_; }

 private:
  const ImageShape3 image_shape_;
  const Spectrum spectrum_;
};

}  // namespace

std::shared_ptr<const Operator> MakeIdentity(const ImageShape3& image_shape) {
  return std::make_shared<Identity>(image_shape);
}

}  // namespace tweedie
