#ifndef TWEEDIE_IMAGING_IMAGE_H_
#define TWEEDIE_IMAGING_IMAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// A picture in memory: rows from the top, channels interleaved. A value.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 1;              // 1 (grey) or 3 (RGB)
  int max_value = 255;           // 255, or 65535 of 16-bit files
  std::vector<uint16_t> pixels;  // height * width * channels
};

// Bounds checked before anything is allocated for the pixels.
struct ImageLimits {
  int max_side = 16384;
  int64_t max_pixels = 1 << 26;
};

// Decodes PNG (1 to 16 bits; grey, palette or RGB; alpha only where it is
// opaque everywhere) or JPEG (grey or YCbCr), told apart by their first bytes.
// Bit depths below 8 are scaled to 8. INVALID_ARGUMENT says what is wrong; no
// input crashes. Thread-safe.
absl::StatusOr<Image> DecodeImage(absl::string_view bytes, const ImageLimits& limits = {});

// An 8-bit PNG file of `image`, whose max_value must be 255. Deterministic.
std::string EncodePng(const Image& image);

}  // namespace tweedie

#endif  // TWEEDIE_IMAGING_IMAGE_H_
