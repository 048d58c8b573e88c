#include "server/convert/images_proto.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "imaging/image.h"

namespace tweedie {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors travel little-endian");

using ImageShape = std::array<int64_t, 3>;

std::string ShapeText(const google::protobuf::RepeatedField<int64_t>& shape) {
  constexpr int kShown = 8;
  const int n = std::min(shape.size(), kShown);
  return absl::StrCat("[", absl::StrJoin(absl::MakeConstSpan(shape.data(), n), ", "),
                      shape.size() > n ? ", ...]" : "]");
}

// The value in [-1, 1] that stands for `v` of 0..max_value.
float FromInteger(int v, int max_value) { return static_cast<float>(v / (max_value / 2.0) - 1.0); }

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
                                                   "]; was ", ShapeText(shape)));
  }
  if (n > max_images) return TooMany("tensor.shape", n, max_images);
  return n;
}

absl::StatusOr<int64_t> ElementSize(int data_type) {
  switch (data_type) {
    case v1::Tensor::FLOAT32:
      return 4;
    case v1::Tensor::UINT8:
      return 1;
    case v1::Tensor::DATA_TYPE_UNSPECIFIED:
      return FieldError("tensor.data_type", "is required: FLOAT32 or UINT8");
    default:
      return FieldError("tensor.data_type",
                        absl::StrCat("must be FLOAT32 or UINT8; was ", data_type));
  }
}

absl::Status CheckFinite(const at::Tensor& tensor) {
  const float* values = tensor.const_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    if (std::isfinite(values[i])) continue;
    return FieldError("tensor.data",
                      absl::StrCat("must be finite; element ", i, " is ", values[i]));
  }
  return absl::OkStatus();
}

at::Tensor EmptyImages(int64_t n, const ImageShape& s) {
  return at::empty({n, s[0], s[1], s[2]}, at::kFloat);
}

absl::Status CheckLength(const v1::Tensor& tensor, int64_t expected) {
  const int64_t length = static_cast<int64_t>(tensor.data().size());
  if (length == expected) return absl::OkStatus();
  return FieldError("tensor.data", absl::StrCat("must be ", expected, " bytes, as the shape ",
                                                ShapeText(tensor.shape()), " says; was ", length));
}

absl::StatusOr<at::Tensor> ReadTensor(const v1::Tensor& tensor, const ImageShape& image_shape,
                                      int max_images) {
  ASSIGN_OR_RETURN(const int64_t element_size, ElementSize(tensor.data_type()));
  ASSIGN_OR_RETURN(const int64_t n, CheckShape(tensor, image_shape, max_images));
  const auto& [channels, height, width] = image_shape;
  RETURN_IF_ERROR(CheckLength(tensor, n * channels * height * width * element_size));
  at::Tensor images = EmptyImages(n, image_shape);
  const absl::string_view data = tensor.data();
  float* out = images.mutable_data_ptr<float>();
  if (tensor.data_type() == v1::Tensor::UINT8) {
    for (const char c : data) *out++ = FromInteger(static_cast<unsigned char>(c), 255);
    return images;
  }
  std::memcpy(out, data.data(), data.size());
  RETURN_IF_ERROR(CheckFinite(images));
  return images;
}

// --- Files -----------------------------------------------------------------

absl::StatusOr<Image> DecodeFile(const std::string& file, const ImageShape& image_shape) {
  ImageLimits limits;
  // Room for pictures of a wrong size, so that the error can name it, but none
  // for a file that unpacks to far more than a model's image.
  limits.max_pixels = std::max<int64_t>(image_shape[1] * image_shape[2], int64_t{1} << 22);
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

absl::Status ReadFileInto(const std::string& file, const ImageShape& image_shape, float* out) {
  ASSIGN_OR_RETURN(const Image image, DecodeFile(file, image_shape));
  RETURN_IF_ERROR(CheckImage(image, image_shape));
  CopyImage(image, image_shape[0], out);
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> ReadFiles(const v1::Images::Encoded& encoded,
                                     const ImageShape& image_shape, int max_images) {
  const int n = encoded.files_size();
  if (n == 0) return FieldError("encoded.files", "is required: at least one file");
  if (n > max_images) return TooMany("encoded.files", n, max_images);
  at::Tensor images = EmptyImages(n, image_shape);
  float* out = images.mutable_data_ptr<float>();
  for (int i = 0; i < n; ++i) {
    const std::string field = absl::StrCat("encoded.files[", i, "]");
    const absl::Status read =
        ReadFileInto(encoded.files(i), image_shape, out + i * (images.numel() / n));
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

v1::Tensor WriteTensor(const at::Tensor& tensor, v1::Tensor::DataType data_type) {
  v1::Tensor proto;
  proto.set_data_type(data_type);
  for (const int64_t size : tensor.sizes()) proto.add_shape(size);
  const at::Tensor dense = tensor.contiguous();
  proto.set_data(dense.const_data_ptr(), dense.nbytes());
  return proto;
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
                                      const std::array<int64_t, 3>& image_shape, int max_images) {
  switch (images.content_case()) {
    case v1::Images::kTensor:
      return ReadTensor(images.tensor(), image_shape, max_images);
    case v1::Images::kEncoded:
      return ReadFiles(images.encoded(), image_shape, max_images);
    case v1::Images::CONTENT_NOT_SET:
      break;
  }
  return FieldError("content", "is required: `tensor` or `encoded`");
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
