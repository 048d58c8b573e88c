#ifndef TWEEDIE_SERVER_WATCH_FRAME_FORM_H_
#define TWEEDIE_SERVER_WATCH_FRAME_FORM_H_

#include <array>
#include <cstdint>
#include <tuple>

#include "tweedie/v1/job.pb.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie {

// How a frame is to be made. Watchers who want the same form share its bytes.
struct FrameForm {
  v1::Frame::Kind kind = v1::Frame::X0_HAT;  // X0_HAT or X_T
  v1::ImageFormat format = v1::IMAGE_FORMAT_TENSOR_FLOAT32;
  int max_images = 0;  // the first ones; 0 for all

  friend bool operator<(const FrameForm& a, const FrameForm& b) {
    return std::tie(a.kind, a.format, a.max_images) < std::tie(b.kind, b.format, b.max_images);
  }
  friend bool operator==(const FrameForm& a, const FrameForm& b) { return !(a < b) && !(b < a); }
};

// The most bytes of a serialised `Frame`.
inline constexpr int64_t kMaxFrameBytes = int64_t{3} << 20;

// The most bytes that one image of `image_shape` (channels, height, width) takes
// in a frame. For PNG a bound that no content exceeds.
int64_t FrameImageBytes(const std::array<int64_t, 3>& image_shape, v1::ImageFormat format);

// How many of `num_images` a frame of `form` holds: 0 if not even one fits.
int FrameImages(const std::array<int64_t, 3>& image_shape, int num_images, const FrameForm& form);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_WATCH_FRAME_FORM_H_
