#include "core/operators/convolution.h"

#include <ATen/ATen.h>

#include <optional>

#include "core/operators/bases.h"
#include "core/operators/boundary.h"
#include "core/operators/per_image.h"
#include "core/operators/separable.h"

namespace tweedie {
namespace {

using Boundary = BlurSpec::Boundary;

// `kernel` with its middle at (0, 0) of a periodic plane [height, width].
at::Tensor Wrapped(const at::Tensor& kernel, int64_t height, int64_t width) {
  at::Tensor plane = at::zeros({height, width}, at::kDouble);
  auto to = plane.accessor<double, 2>();
  const auto from = kernel.accessor<double, 2>();
  const int64_t size = kernel.size(0);
  const auto place = [size](int64_t j, int64_t side) {
    return ((j - size / 2) % side + side) % side;
  };
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) to[place(i, height)][place(j, width)] += from[i][j];
  }
  return plane;
}

// Padded at the boundary, multiplied in Fourier space, and cropped: what wraps
// around lies in the margin.
class Convolution final : public LinearOperator {
 public:
  Convolution(const at::Tensor& kernel, Boundary boundary, const ImageShape3& image_shape)
      : boundary_(boundary),
        margin_(boundary == Boundary::kCircular ? 0 : kernel.size(0) / 2),
        image_shape_(image_shape),
        transform_(at::fft_rfft2(
            Wrapped(kernel, image_shape[1] + 2 * margin_, image_shape[2] + 2 * margin_))) {
    if (boundary != Boundary::kCircular) return;
    const at::Tensor plane = Wrapped(kernel, image_shape[1], image_shape[2]);
    spectrum_ = HartleySpectrum(at::fft_fft2(plane).abs(), image_shape);
  }

  at::Tensor Forward(const at::Tensor& x) const override {
    return PerImage(x, [this](const at::Tensor& image) {
      return Crop(Multiply(Pad(image), ComplexLike(transform_, image)));
    });
  }

  at::Tensor Adjoint(const at::Tensor& y) const override {
    return PerImage(y, [this](const at::Tensor& image) {
      const at::Tensor product = Multiply(ZeroPad(image), ComplexLike(transform_, image).conj());
      return boundary_ == Boundary::kReflect ? ReflectFold(product, margin_) : Crop(product);
    });
  }

  std::vector<int64_t> output_shape() const override {
    return {image_shape_.begin(), image_shape_.end()};
  }

  const Spectrum* spectrum() const override {
    return spectrum_.has_value() ? &*spectrum_ : nullptr;
  }

 private:
  at::Tensor ZeroPad(const at::Tensor& image) const {
    return at::constant_pad_nd(image, {margin_, margin_, margin_, margin_});
  }
  at::Tensor Pad(const at::Tensor& image) const {
    return boundary_ == Boundary::kReflect ? ReflectPad(image, margin_) : ZeroPad(image);
  }
  at::Tensor Crop(const at::Tensor& padded) const {
    return padded.narrow(-2, margin_, image_shape_[1]).narrow(-1, margin_, image_shape_[2]);
  }
  static at::Tensor Multiply(const at::Tensor& padded, const at::Tensor& transform) {
    const at::Tensor product = at::fft_rfft2(padded).mul(transform);
    return at::fft_irfft2(product, at::IntArrayRef({padded.size(-2), padded.size(-1)}));
  }

  const Boundary boundary_;
  const int64_t margin_;
  const ImageShape3 image_shape_;
  const at::Tensor transform_;
  std::optional<Spectrum> spectrum_;
};

// Vectors of which `kernel` is the outer product, if there are.
struct Factors {
  at::Tensor column, row;
};

std::optional<Factors> Factor(const at::Tensor& kernel) {
  constexpr double kFloatRounding = 1.2e-7;
  const auto [u, s, vh] = at::linalg_svd(kernel);
  const at::Tensor rest = s.slice(0, 1);
  if (rest.gt(s[0].mul(kFloatRounding)).any().item<bool>()) return std::nullopt;
  return Factors{u.select(1, 0).mul(s[0]), vh[0]};
}

// The matrix of the convolution along one side.
at::Tensor ConvolutionMatrix(const at::Tensor& kernel, Boundary boundary, int64_t side) {
  at::Tensor matrix = at::zeros({side, side}, at::kDouble);
  auto to = matrix.accessor<double, 2>();
  const at::Tensor weights = kernel.contiguous();
  const int64_t size = kernel.size(0);
  for (int64_t i = 0; i < side; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      const int64_t from = i - (j - size / 2);
      const bool inside = from >= 0 && from < side;
      if (!inside && boundary == Boundary::kZero) continue;
      to[i][inside ? from : Mirrored(from, side)] += weights.const_data_ptr<double>()[j];
    }
  }
  return matrix;
}

}  // namespace

std::shared_ptr<const LinearOperator> MakeConvolution(const at::Tensor& kernel, Boundary boundary,
                                                      const ImageShape3& image_shape) {
  if (boundary != Boundary::kCircular) {
    if (const std::optional<Factors> factors = Factor(kernel)) {
      return MakeSeparable(ConvolutionMatrix(factors->column, boundary, image_shape[1]),
                           ConvolutionMatrix(factors->row, boundary, image_shape[2]), image_shape);
    }
  }
  return std::make_shared<Convolution>(kernel, boundary, image_shape);
}

}  // namespace tweedie
