#include "core/operators/mri.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
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

constexpr int64_t kPlane[] = {-2, -1};
constexpr double kDefaultCentre = 0.08;

// The singular values: on real images A^T A is the circular convolution whose
// transform is the mask's even part. `mask` has frequency 0 in the middle, the
// result at (0, 0).
at::Tensor SingularValues(const at::Tensor& mask) {
  const at::Tensor m = at::fft_ifftshift(mask, kPlane);
  const at::Tensor mirrored = m.flip(kPlane).roll({1, 1}, kPlane);
  return m.add(mirrored).div(2).sqrt();
}

class Mri final : public LinearOperator {
 public:
  // `mask` float64 [H, W].
  Mri(at::Tensor mask, const ImageShape3& image_shape)
      : mask_(std::move(mask)),
        image_shape_(image_shape),
        spectrum_(HartleySpectrum(SingularValues(mask_), image_shape)) {}

  at::Tensor Forward(const at::Tensor& x) const override {
    return PerImage(x, [this](const at::Tensor& image) {
      const at::Tensor transform = at::fft_fft2(image, at::OptionalIntArrayRef(), kPlane, "ortho");
      return at::view_as_real(at::fft_fftshift(transform, kPlane)).mul(Like(measured(), image));
    });
  }

  at::Tensor Adjoint(const at::Tensor& y) const override {
    return PerImage(y, [this](const at::Tensor& samples) {
      const at::Tensor kept = at::view_as_complex(samples.mul(Like(measured(), samples)));
      const at::Tensor image = at::fft_ifft2(at::fft_ifftshift(kept, kPlane),
                                             at::OptionalIntArrayRef(), kPlane, "ortho");
      return at::real(image).contiguous();
    });
  }

  std::vector<int64_t> output_shape() const override {
    const auto [channels, height, width] = image_shape_;
    return {channels, height, width, 2};
  }

  at::Tensor measured() const override { return mask_.unsqueeze(-1); }
  const Spectrum* spectrum() const override { return &spectrum_; }

 private:
  const at::Tensor mask_;
  const ImageShape3 image_shape_;
  const Spectrum spectrum_;
};

// The mask [W] of `count` columns: the middle `centre` and those others that
// drew the least.
at::Tensor DrawColumns(int64_t width, int64_t count, int64_t centre, uint64_t seed) {
  at::Tensor u = DrawUniforms(seed, {width});
  u.narrow(0, (width - centre + 1) / 2, centre).zero_();
  const at::Tensor order = at::argsort(u, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  return at::zeros({width}, at::kDouble).index_fill_(0, order.slice(0, 0, count), 1);
}

// What makes a mask [H, W] of each way to say what is measured.
struct MaskMaker {
  absl::StatusOr<at::Tensor> operator()(const at::Tensor& mask) const {
    return ReadMask("mask", mask, {image_shape[1], image_shape[2]});
  }

  absl::StatusOr<at::Tensor> operator()(const MriSpec::RandomColumns& columns) const {
    const auto [channels, height, width] = image_shape;
    const double side = static_cast<double>(width);
    if (!(columns.acceleration > 1 && columns.acceleration <= side)) {
      return FieldError("random_columns.acceleration",
                        absl::StrCat("must be above 1 and at most the image's width ", width,
                                     "; was ", columns.acceleration));
    }
    const int64_t count = std::llround(side / columns.acceleration);
    ASSIGN_OR_RETURN(const int64_t centre, ReadCentre(columns, width, count));
    return DrawColumns(width, count, centre, seed).expand({height, width}).contiguous();
  }

  // Columns of the centre, of the `count` measured.
  static absl::StatusOr<int64_t> ReadCentre(const MriSpec::RandomColumns& columns, int64_t width,
                                            int64_t count) {
    const double fraction =
        columns.center_fraction.value_or(DefaultCenterFraction(columns.acceleration, width));
    if (!(fraction >= 0 && fraction <= 1)) {
      return FieldError("random_columns.center_fraction",
                        absl::StrCat("must be in [0, 1]; was ", fraction));
    }
    const int64_t centre = std::llround(static_cast<double>(width) * fraction);
    if (centre <= count) return centre;
    return FieldError("random_columns.center_fraction",
                      absl::StrCat("must be at most the measured part, ", count, " of ", width,
                                   " columns; was ", fraction));
  }

  const ImageShape3& image_shape;
  uint64_t seed;
};

}  // namespace

double DefaultCenterFraction(double acceleration, int64_t width) {
  const double side = static_cast<double>(width);
  return std::min(kDefaultCentre, std::round(side / acceleration) / side);
}

absl::StatusOr<std::shared_ptr<const Operator>> MakeMri(const MriSpec& spec,
                                                        const ImageShape3& image_shape,
                                                        uint64_t seed) {
  ASSIGN_OR_RETURN(at::Tensor mask, std::visit(MaskMaker{image_shape, seed}, spec.sampling));
  return std::make_shared<Mri>(std::move(mask), image_shape);
}

}  // namespace tweedie
