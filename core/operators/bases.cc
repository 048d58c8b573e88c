#include "core/operators/bases.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/operators/per_image.h"

namespace tweedie {
namespace {

// A singular value below this part of the largest is a rounding of kernels and
// masks, which are float32.
constexpr double kRounding = 1e-7;

Spectrum MakeSpectrum(std::unique_ptr<const Basis> basis, const at::Tensor& singular_values,
                      const ImageShape3& image_shape) {
  const at::Tensor s = singular_values.to(at::kDouble).expand(image_shape);
  const at::Tensor kept = s.gt(s.max().mul(kRounding));
  return {std::move(basis), s.mul(kept.to(at::kDouble)).contiguous()};
}

class PixelBasis final : public Basis {
 public:
  at::Tensor Coordinates(const at::Tensor& x) const override { return x; }
  at::Tensor Images(const at::Tensor& c) const override { return c; }
};

class SeparableBasis final : public Basis {
 public:
  // Transposed right singular vectors of the rows' and the columns' matrix.
  SeparableBasis(at::Tensor rows_t, at::Tensor columns_t)
      : rows_t_(std::move(rows_t)), columns_t_(std::move(columns_t)) {}
  at::Tensor Coordinates(const at::Tensor& x) const override {
    return PerImage(
        x, [this](const at::Tensor& image) { return Sandwich(rows_t_, image, columns_t_); });
  }
  at::Tensor Images(const at::Tensor& c) const override {
    return PerImage(c, [this](const at::Tensor& image) {
      return Sandwich(rows_t_.t(), image, columns_t_.t());
    });
  }

 private:
  const at::Tensor rows_t_, columns_t_;
};

class HartleyBasis final : public Basis {
 public:
  at::Tensor Coordinates(const at::Tensor& x) const override {
    return PerImage(x, [](const at::Tensor& image) {
      const at::Tensor transform =
          at::fft_fft2(image, at::OptionalIntArrayRef(), {-2, -1}, "ortho");
      return at::real(transform).sub(at::imag(transform));
    });
  }
  at::Tensor Images(const at::Tensor& c) const override { return Coordinates(c); }
};

class ChannelBasis final : public Basis {
 public:
  explicit ChannelBasis(at::Tensor q) : q_(std::move(q)) {}  // [C, C], a column a vector
  at::Tensor Coordinates(const at::Tensor& x) const override { return Mix(q_.t(), x); }
  at::Tensor Images(const at::Tensor& c) const override { return Mix(q_, c); }

 private:
  static at::Tensor Mix(const at::Tensor& q, const at::Tensor& x) {
    return PerImage(x, [&q](const at::Tensor& image) {
      return at::matmul(Like(q, image), image.flatten(1)).reshape(image.sizes());
    });
  }

  const at::Tensor q_;
};

struct RightSingular {
  at::Tensor values;     // [n], 0 beyond the rank
  at::Tensor vectors_t;  // [n, n]
};

RightSingular Decompose(const at::Tensor& matrix) {
  const auto [u, s, vh] = at::linalg_svd(matrix, /*full_matrices=*/true);
  return {at::constant_pad_nd(s, {0, matrix.size(1) - s.size(0)}), vh};
}

}  // namespace

at::Tensor Measurable(const Spectrum& spectrum) {
  const at::Tensor& s = spectrum.singular_values;
  return s.gt(s.max().mul(kLeastMeasurable));
}

Spectrum PixelSpectrum(const at::Tensor& singular_values, const ImageShape3& image_shape) {
  return MakeSpectrum(std::make_unique<PixelBasis>(), singular_values, image_shape);
}

Spectrum SeparableSpectrum(const at::Tensor& rows, const at::Tensor& columns,
                           const ImageShape3& image_shape) {
  const RightSingular of_rows = Decompose(rows);
  const RightSingular of_columns = Decompose(columns);
  return MakeSpectrum(std::make_unique<SeparableBasis>(of_rows.vectors_t, of_columns.vectors_t),
                      at::outer(of_rows.values, of_columns.values), image_shape);
}

Spectrum HartleySpectrum(const at::Tensor& singular_values, const ImageShape3& image_shape) {
  return MakeSpectrum(std::make_unique<HartleyBasis>(), singular_values, image_shape);
}

Spectrum ChannelSpectrum(const at::Tensor& w, const ImageShape3& image_shape) {
  const RightSingular of_w = Decompose(w.unsqueeze(0));
  return MakeSpectrum(std::make_unique<ChannelBasis>(of_w.vectors_t.t()),
                      of_w.values.reshape({-1, 1, 1}), image_shape);
}

}  // namespace tweedie
