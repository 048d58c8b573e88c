#include "client/cli/operator_files.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/local_file.h"
#include "client/cli/npy.h"
#include "core/base/status_macros.h"
#include "imaging/image.h"
#include "nlohmann/json.hpp"

namespace tweedie::cli {
namespace {

// 1 for white, 0 for black.
absl::StatusOr<std::vector<float>> BinaryPixels(const Image& image, const std::string& path) {
  std::vector<float> pixels;
  for (const uint16_t v : image.pixels) {
    if (v != 0 && v != image.max_value) {
      return LocalFileError(path, absl::StrCat("a mask must be black and white; has a pixel of ", v,
                                               " of ", image.max_value));
    }
    pixels.push_back(v == 0 ? 0.0f : 1.0f);
  }
  return pixels;
}

// [C, H, W] of interleaved pixels; C is 1 where all channels are alike.
Array ToPlanes(const Image& image, const std::vector<float>& pixels) {
  const size_t count = pixels.size() / image.channels;
  Array planes{{image.channels, image.height, image.width}, std::vector<float>(pixels.size())};
  bool alike = true;
  for (size_t i = 0; i < pixels.size(); ++i) {
    const size_t channel = i % image.channels;
    const size_t pixel = i / image.channels;
    planes.values[channel * count + pixel] = pixels[i];
    alike = alike && pixels[i] == pixels[pixel * image.channels];
  }
  if (alike) {
    planes.shape[0] = 1;
    planes.values.resize(count);
  }
  return planes;
}

absl::StatusOr<Array> ReadPictureMask(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadLocalFile(path));
  const absl::StatusOr<Image> image = DecodeImage(bytes);
  if (!image.ok()) return LocalFileError(path, image.status().message());
  ASSIGN_OR_RETURN(const std::vector<float> pixels, BinaryPixels(*image, path));
  return ToPlanes(*image, pixels);
}

absl::StatusOr<Array> ReadArrayMask(const std::string& path) {
  ASSIGN_OR_RETURN(Array array, ReadNpyFile(path));
  for (const float v : array.values) {
    if (v != 0 && v != 1) {
      return LocalFileError(path, absl::StrCat("a mask must be of 0 and 1; has a ", v));
    }
  }
  return array;
}

// Rows of numbers, all of one length.
absl::StatusOr<Array> ParseRows(const std::string& text) {
  const auto rows = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  Array array{{0, 0}, {}};
  if (!rows.is_array() || rows.empty()) return absl::InvalidArgumentError("not rows of numbers");
  for (const auto& row : rows) {
    if (!row.is_array() || row.empty() || row.size() != rows[0].size()) {
      return absl::InvalidArgumentError("not rows of numbers, all of one length");
    }
    for (const auto& weight : row) {
      if (!weight.is_number()) return absl::InvalidArgumentError("a weight that is no number");
      array.values.push_back(weight.get<float>());
    }
  }
  array.shape = {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())};
  return array;
}

}  // namespace

absl::StatusOr<v1::Tensor> ReadMask(const std::string& path) {
  ASSIGN_OR_RETURN(const Array array, absl::EndsWithIgnoreCase(path, ".npy")
                                          ? ReadArrayMask(path)
                                          : ReadPictureMask(path));
  return ToTensor(array);
}

absl::StatusOr<v1::Tensor> ReadKernel(const std::string& path) {
  if (absl::EndsWithIgnoreCase(path, ".npy")) {
    ASSIGN_OR_RETURN(const Array array, ReadNpyFile(path));
    return ToTensor(array);
  }
  ASSIGN_OR_RETURN(const std::string text, ReadLocalFile(path));
  const absl::StatusOr<Array> array = ParseRows(text);
  if (!array.ok()) return LocalFileError(path, array.status().message());
  return ToTensor(*array);
}

}  // namespace tweedie::cli
