#include "imaging/image.h"

#include <png.h>

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "imaging/image_limits.h"
#include "imaging/jpeg_decoder.h"
#include "imaging/png_decoder.h"

namespace tweedie {
namespace {

constexpr char kPngSignature[] = "\x89PNG\r\n\x1a\n";
constexpr char kJpegSignature[] = "\xff\xd8\xff";

png_image DescribeForWriting(const Image& image) {
  png_image description = {};
  description.version = PNG_IMAGE_VERSION;
  description.width = static_cast<png_uint_32>(image.width);
  description.height = static_cast<png_uint_32>(image.height);
  description.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  return description;
}

}  // namespace

absl::Status CheckSize(int64_t width, int64_t height, const ImageLimits& limits) {
  if (width < 1 || height < 1 || width > limits.max_side || height > limits.max_side) {
    return absl::InvalidArgumentError(absl::StrCat("an image of ", width, " x ", height,
                                                   " pixels; each side must be from 1 to ",
                                                   limits.max_side));
  }
  if (width * height > limits.max_pixels) {
    return absl::InvalidArgumentError(absl::StrCat("an image of ", width, " x ", height,
                                                   " pixels; at most ", limits.max_pixels,
                                                   " pixels are allowed"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Image> DecodeImage(absl::string_view bytes, const ImageLimits& limits) {
  if (absl::StartsWith(bytes, kPngSignature)) return DecodePng(bytes, limits);
  if (absl::StartsWith(bytes, kJpegSignature)) return DecodeJpeg(bytes, limits);
  return absl::InvalidArgumentError(bytes.empty() ? "an empty file is neither PNG nor JPEG"
                                                  : "neither a PNG nor a JPEG file");
}

std::string EncodePng(const Image& image) {
  const size_t size = static_cast<size_t>(image.width) * image.height * image.channels;
  if (image.max_value != 255 || size == 0 || image.pixels.size() != size) return "";
  const std::vector<uint8_t> bytes(image.pixels.begin(), image.pixels.end());
  png_image description = DescribeForWriting(image);
  png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(description);
  std::string file(length, '\0');
  // libpng's simplified interface catches its own errors.
  if (!png_image_write_to_memory(&description, file.data(), &length, /*convert_to_8_bit=*/0,
                                 bytes.data(), /*row_stride=*/0, /*colormap=*/nullptr)) {
    return "";
  }
  file.resize(length);
  return file;
}

}  // namespace tweedie
