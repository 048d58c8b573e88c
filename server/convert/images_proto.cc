#include "server/convert/images_proto.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "imaging/image.h"
#include "server/convert/tensor_proto.h"

namespace tweedie {
namespace {

using ImageShape = std::array<int64_t, 3>;

absl::Status TooMany(absl::string_view field, int64_t count, int max_images) {
  return FieldError(field, absl::StrCat("must be at most ", max_images, " images; was ", count));
}

// --- Tensors ---------------------------------------------------------------

// The number of images. All sizes but that one are the model's, and that one is
// bounded, so that products of them cannot overflow afterwards.
absl::StatusOr<int64_t> CheckShape(const v1::Tensor& tensor, const ImageShape& image_shape,
                                   int max_images) {
  const auto& shape = tensor.shape();
  const int leading = shape.size() - 3;
  const bool fits = (leading == 0 || leading == 1) &&
                    std::equal(image_shape.begin(), image_shape.end(), shape.begin() + leading);
  const int64_t n = leading == 1 ? shape[0] : 1;
  if (!fits || n < 1) {
    const std::string image = absl::StrJoin(image_shape, ", ");
    return FieldError("tensor.shape", absl::StrCat("must be [N, ", image, "] or [", image,
                                                   "]; was ", ShapeText(tensor)));
  }
  if (n > max_images) return TooMany("tensor.shape", n, max_images);
  return n;
}

absl::StatusOr<at::Tensor> ReadImageTensor(const v1::Tensor& tensor, const ImageShape& image_shape,
                                           int max_images) {
  ASSIGN_OR_RETURN(const int64_t n, CheckShape(tensor, image_shape, max_images));
  absl::StatusOr<at::Tensor> images = ReadTensor(tensor, {3, 4, /*bytes=*/true});
  if (!images.ok()) return InField("tensor", images.status());
  return images->view({n, image_shape[0], image_shape[1], image_shape[2]});
}

// --- Files -----------------------------------------------------------------

absl::StatusOr<Image> DecodeFile(const std::string& file, int64_t max_pixels) {
  ImageLimits limits;
  limits.max_pixels = max_pixels;
  absl::StatusOr<Image> image = DecodeImage(file, limits);
  if (image.ok()) return image;
  return absl::InvalidArgumentError(
      absl::StrCat("must be a PNG or JPEG file; was ", image.status().message()));
}

std::string SizeText(int64_t channels, int64_t height, int64_t width) {
  return absl::StrCat(width, " wide, ", height, " high, of ", channels,
                      channels == 1 ? " channel" : " channels");
}

absl::Status CheckImage(const Image& image, const ImageShape& image_shape) {
  const auto& [channels, height, width] = image_shape;
  const bool grey_for_rgb = image.channels == 1 && channels == 3;
  if (image.height == height && image.width == width &&
      (image.channels == channels || grey_for_rgb)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("must be ", SizeText(channels, height, width), "; was ",
                   SizeText(image.channels, image.height, image.width)));
}

void CopyImage(const Image& image, int64_t channels, float* out) {
  const size_t num_pixels = static_cast<size_t>(image.height) * static_cast<size_t>(image.width);
  const size_t stride = static_cast<size_t>(image.channels);
  for (int64_t c = 0; c < channels; ++c) {
    const size_t source = image.channels == 1 ? 0 : static_cast<size_t>(c);
    for (size_t i = 0; i < num_pixels; ++i) {
      *out++ = FromInteger(image.pixels[i * stride + source], image.max_value);
    }
  }
}

bool IsPng(absl::string_view file) { return !file.empty() && file[0] == '\x89'; }

absl::Status ReadFileInto(const std::string& file, const ImageShape& image_shape,
                          int64_t max_pixels, float* out) {
  ASSIGN_OR_RETURN(const Image image, DecodeFile(file, max_pixels));
  RETURN_IF_ERROR(CheckImage(image, image_shape));
  CopyImage(image, image_shape[0], out);
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> ReadFiles(const v1::Images::Encoded& encoded,
                                     const ImageShape& image_shape, int max_images,
                                     int64_t max_pixels) {
  const int n = encoded.files_size();
  if (n == 0) return FieldError("encoded.files", "is required: at least one file");
  if (n > max_images) return TooMany("encoded.files", n, max_images);
  at::Tensor images = at::empty({n, image_shape[0], image_shape[1], image_shape[2]}, at::kFloat);
  float* out = images.mutable_data_ptr<float>();
  for (int i = 0; i < n; ++i) {
    const std::string field = absl::StrCat("encoded.files[", i, "]");
    const absl::Status read =
        ReadFileInto(encoded.files(i), image_shape, max_pixels, out + i * (images.numel() / n));
    if (!read.ok()) return FieldError(field, read.message());
    if (IsPng(encoded.files(i)) != IsPng(encoded.files(0))) {
      return FieldError(field, "must be of the same format as the first file");
    }
  }
  return images;
}

// --- Writing ---------------------------------------------------------------

// NaN, which only a frame of a job about to fail may hold, becomes middle grey.
at::Tensor ToBytes(const at::Tensor& images) {
  return images.to(at::kDouble)
      .clamp(-1.0, 1.0)
      .nan_to_num(0.0)
      .add(1.0)
      .mul(127.5)
      .round()
      .to(at::kByte)
      .contiguous();
}

// `bytes` is [C, H, W], uint8.
std::string WritePng(const at::Tensor& bytes) {
  Image image;
  image.channels = static_cast<int>(bytes.size(0));
  image.height = static_cast<int>(bytes.size(1));
  image.width = static_cast<int>(bytes.size(2));
  const at::Tensor interleaved = bytes.permute({1, 2, 0}).contiguous();
  const uint8_t* values = interleaved.const_data_ptr<uint8_t>();
  image.pixels.assign(values, values + interleaved.numel());
  return EncodePng(image);
}

void WriteFiles(const at::Tensor& bytes, v1::Images::Encoded* encoded) {
  const at::Tensor batch = bytes.dim() == 3 ? bytes.unsqueeze(0) : bytes;
  for (int64_t i = 0; i < batch.size(0); ++i) encoded->add_files(WritePng(batch[i]));
}

}  // namespace

absl::StatusOr<at::Tensor> ReadImages(const v1::Images& images,
                                      const std::array<int64_t, 3>& image_shape, int max_images,
                                      int64_t max_file_pixels) {
  switch (images.content_case()) {
    case v1::Images::kTensor:
      return ReadImageTensor(images.tensor(), image_shape, max_images);
    case v1::Images::kEncoded:
      return ReadFiles(images.encoded(), image_shape, max_images, max_file_pixels);
    case v1::Images::CONTENT_NOT_SET:
      break;
  }
  return FieldError("content", "is required: `tensor` or `encoded`");
}

int64_t ClaimedImages(const v1::Images& images) {
  if (images.has_encoded()) return images.encoded().files_size();
  return images.tensor().shape_size() == 4 ? images.tensor().shape(0) : 1;
}

bool HasPng(int64_t channels) { return channels == 1 || channels == 3; }

v1::Images WriteImages(const at::Tensor& images, v1::ImageFormat format) {
  v1::Images proto;
  if (format == v1::IMAGE_FORMAT_TENSOR_UINT8) {
    *proto.mutable_tensor() = WriteTensor(ToBytes(images), v1::Tensor::UINT8);
  } else if (format == v1::IMAGE_FORMAT_PNG && HasPng(images.size(-3))) {
    WriteFiles(ToBytes(images), proto.mutable_encoded());
  } else {
    *proto.mutable_tensor() = WriteTensor(images, v1::Tensor::FLOAT32);
  }
  return proto;
}

}  // namespace tweedie
