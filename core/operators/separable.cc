#include "core/operators/separable.h"

#include <ATen/ATen.h>

#include "core/operators/bases.h"
#include "core/operators/per_image.h"

namespace tweedie {
namespace {

class Separable final : public LinearOperator {
 public:
  Separable(const at::Tensor& rows, const at::Tensor& columns, const ImageShape3& image_shape)
      : rows_(rows),
        columns_(columns),
        channels_(image_shape[0]),
        spectrum_(SeparableSpectrum(rows, columns, image_shape)) {}

  at::Tensor Forward(const at::Tensor& x) const override {
    return PerImage(x,
                    [this](const at::Tensor& image) { return Sandwich(rows_, image, columns_); });
  }

  at::Tensor Adjoint(const at::Tensor& y) const override {
    return PerImage(
        y, [this](const at::Tensor& image) { return Sandwich(rows_.t(), image, columns_.t()); });
  }

  std::vector<int64_t> output_shape() const override {
    return {channels_, rows_.size(0), columns_.size(0)};
  }

  const Spectrum* spectrum() const override { return &spectrum_; }

 private:
  const at::Tensor rows_, columns_;
  const int64_t channels_;
  const Spectrum spectrum_;
};

}  // namespace

std::shared_ptr<const LinearOperator> MakeSeparable(const at::Tensor& rows,
                                                    const at::Tensor& columns,
                                                    const ImageShape3& image_shape) {
  return std::make_shared<Separable>(rows, columns, image_shape);
}

}  // namespace tweedie
