#ifndef TWEEDIE_CORE_METRICS_SSIM_H_
#define TWEEDIE_CORE_METRICS_SSIM_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"

namespace tweedie {

// The layout of an image whose pixels lie channel by channel, row by row.
struct ImageShape {
  int64_t channels = 1;
  int64_t height = 0;
  int64_t width = 0;
};

// Structural similarity of one image (Wang et al., 2004), in [-1, 1]: Gaussian
// window of 11x11 pixels with deviation 1.5, K1 = 0.01, K2 = 0.03, L = 1,
// population covariances; the mean over the pixels whose window lies inside the
// image, then over channels. Both images are clamped to [-1, 1] and mapped to
// [0, 1], never rescaled; the arithmetic is float64. nullopt if a side is below
// 11. The spans hold channels * height * width values. Thread-safe.
std::optional<double> Ssim(absl::Span<const float> image, absl::Span<const float> reference,
                           const ImageShape& shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METRICS_SSIM_H_
