#include "client/cli/pictures.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace tweedie::cli {
namespace {

// Calls `visit(planar, interleaved)` with both indices of every value.
template <typename Visit>
void ForEachValue(int channels, size_t num_pixels, const Visit& visit) {
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    for (size_t i = 0; i < num_pixels; ++i) visit(c * num_pixels + i, i * channels + c);
  }
}

// Each value by `to_byte`.
template <typename ToByte>
absl::StatusOr<Image> MakePicture(const Array& array, const ToByte& to_byte) {
  const auto& shape = array.shape;
  if (shape.size() != 3 || (shape[0] != 1 && shape[0] != 3)) {
    return absl::InternalError("an image that has no picture: not [1 or 3, height, width]");
  }
  Image picture{
      static_cast<int>(shape[2]), static_cast<int>(shape[1]), static_cast<int>(shape[0]), 255, {}};
  picture.pixels.resize(array.values.size());
  ForEachValue(picture.channels, array.values.size() / picture.channels,
               [&](size_t planar, size_t interleaved) {
                 picture.pixels[interleaved] = to_byte(static_cast<double>(array.values[planar]));
               });
  return picture;
}

}  // namespace

absl::StatusOr<Image> ToPicture(const Array& image) {
  return MakePicture(image, [](double v) {
    return static_cast<uint16_t>(std::nearbyint((std::clamp(v, -1.0, 1.0) + 1) * 127.5));
  });
}

Array ToArray(const Image& picture) {
  Array array{{picture.channels, picture.height, picture.width},
              std::vector<float>(picture.pixels.size())};
  ForEachValue(picture.channels, picture.pixels.size() / picture.channels,
               [&](size_t planar, size_t interleaved) {
                 array.values[planar] = static_cast<float>(
                     picture.pixels[interleaved] / (0.5 * picture.max_value) - 1);
               });
  return array;
}

absl::StatusOr<Image> ToDeviationPicture(const Array& deviation) {
  return MakePicture(deviation, [](double v) {
    return static_cast<uint16_t>(std::nearbyint(std::clamp(v / kWhiteDeviation, 0.0, 1.0) * 255));
  });
}

}  // namespace tweedie::cli
