#ifndef TWEEDIE_CORE_METRICS_PSNR_H_
#define TWEEDIE_CORE_METRICS_PSNR_H_

#include "absl/types/span.h"

namespace tweedie {

// Peak signal-to-noise ratio of one image in dB, over all channels and pixels.
// Both images are clamped to [-1, 1] and mapped to [0, 1], never rescaled; the
// arithmetic is float64. Infinite for equal images, NaN if a pixel is NaN.
// The spans have one length, above 0. Thread-safe.
double Psnr(absl::Span<const float> image, absl::Span<const float> reference);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METRICS_PSNR_H_
