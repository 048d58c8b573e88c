#include "server/watch/frame_form.h"

#include <algorithm>

#include "server/convert/images_proto.h"

namespace tweedie {
namespace {

// Tags, lengths and the shape of a serialised frame, and of each of its images.
constexpr int64_t kFrameOverhead = 256;
constexpr int64_t kImageOverhead = 8;

// Rows with their filter byte, deflate's and the chunks' worst growth, headers.
int64_t PngBound(int64_t channels, int64_t height, int64_t width) {
  const int64_t raw = height * (channels * width + 1);
  return raw + raw / 256 + 1024;
}

}  // namespace

int64_t FrameImageBytes(const std::array<int64_t, 3>& image_shape, v1::ImageFormat format) {
  const auto& [channels, height, width] = image_shape;
  const int64_t values = channels * height * width;
  if (format == v1::IMAGE_FORMAT_TENSOR_UINT8) return values + kImageOverhead;
  if (format == v1::IMAGE_FORMAT_PNG && HasPng(channels)) {
    return PngBound(channels, height, width) + kImageOverhead;
  }
  return values * static_cast<int64_t>(sizeof(float)) + kImageOverhead;
}

int FrameImages(const std::array<int64_t, 3>& image_shape, int num_images, const FrameForm& form) {
  const int64_t fit = (kMaxFrameBytes - kFrameOverhead) / FrameImageBytes(image_shape, form.format);
  const int64_t asked = form.max_images > 0 ? std::min(form.max_images, num_images) : num_images;
  return static_cast<int>(std::min(fit, asked));
}

}  // namespace tweedie
