#ifndef TWEEDIE_SERVER_CONVERT_IMAGES_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_IMAGES_PROTO_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie {

// The most pixels of one file, unless the server says otherwise.
inline constexpr int64_t kMaxFilePixels = int64_t{1} << 22;

// Reads `images` as float32 [N, C, H, W] in [-1, 1] of the model's shape.
// INVALID_ARGUMENT with the field's path from `images` (`tensor.shape`,
// `encoded.files[2]`): wrong size or channels (the message says the right
// ones), lengths that do not fit, values that are not finite, undecodable
// files, more than `max_images`, or a file of more than `max_file_pixels`, which its
// header tells before anything is decoded. Thread-safe.
absl::StatusOr<at::Tensor> ReadImages(const v1::Images& images,
                                      const std::array<int64_t, 3>& image_shape, int max_images,
                                      int64_t max_file_pixels = kMaxFilePixels);

// How many images the message claims to hold; ReadImages() checks that it does.
int64_t ClaimedImages(const v1::Images& images);

// Whether PNG can hold images of so many channels.
bool HasPng(int64_t channels);

// Writes float32 [n, C, H, W] (or [C, H, W]) on the CPU. PNG and UINT8 clamp to
// [-1, 1] and round to nearest, halves to even. Where PNG is asked for but
// cannot hold the channels, a FLOAT32 tensor is written: `content` tells.
// Thread-safe.
v1::Images WriteImages(const at::Tensor& images, v1::ImageFormat format);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_IMAGES_PROTO_H_
