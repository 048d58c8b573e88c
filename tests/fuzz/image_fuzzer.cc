// DecodeImage() of any bytes, within small limits; what it decodes is encoded and
// decoded again, to the same pixels.
#include <cstdint>

#include "imaging/image.h"
#include "tests/fuzz/check_layout.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tweedie::ImageLimits limits{.max_side = 1024, .max_pixels = 1 << 18};
  const auto image =
      tweedie::DecodeImage(absl::string_view(reinterpret_cast<const char*>(data), size), limits);
  if (!image.ok()) return 0;
  tweedie::Require(image->width >= 1 && image->width <= limits.max_side);
  tweedie::Require(image->height >= 1 && image->height <= limits.max_side);
  tweedie::Require(image->channels == 1 || image->channels == 3);
  const size_t pixels = static_cast<size_t>(image->width) * static_cast<size_t>(image->height);
  tweedie::Require(image->pixels.size() == pixels * static_cast<size_t>(image->channels));
  if (image->max_value != 255) return 0;
  const auto again = tweedie::DecodeImage(tweedie::EncodePng(*image), limits);
  tweedie::Require(again.ok() && again->pixels == image->pixels);
  return 0;
}
