#include "server/convert/images_proto.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

// clang-format off
#include <jpeglib.h>
// clang-format on

#include "core/base/field_error.h"
#include "imaging/image.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

using ImageShape = std::array<int64_t, 3>;
constexpr ImageShape kGrey = {1, 2, 3};
constexpr ImageShape kRgb = {3, 2, 3};

v1::Images TensorOf(v1::Tensor::DataType type, const std::vector<int64_t>& shape,
                    const std::string& data) {
  v1::Images images;
  images.mutable_tensor()->set_data_type(type);
  for (const int64_t size : shape) images.mutable_tensor()->add_shape(size);
  images.mutable_tensor()->set_data(data);
  return images;
}

std::string Bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// A 3 wide, 2 high picture whose samples are 0, 10, 20...
std::string PngFile(int channels, int width = 3) {
  Image image;
  image.width = width;
  image.height = 2;
  image.channels = channels;
  for (int i = 0; i < 2 * width * channels; ++i)
    image.pixels.push_back(static_cast<uint16_t>(10 * i));
  return EncodePng(image);
}

// One colour everywhere, which JPEG keeps but for rounding.
std::string JpegFile(uint8_t value) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &out, &size);
  jpeg.image_width = 3;
  jpeg.image_height = 2;
  jpeg.input_components = 1;
  jpeg.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  JSAMPLE row[3] = {value, value, value};
  JSAMPROW rows[1] = {row};
  while (jpeg.next_scanline < 2) jpeg_write_scanlines(&jpeg, rows, 1);
  jpeg_finish_compress(&jpeg);
  std::string file(reinterpret_cast<char*>(out), size);
  jpeg_destroy_compress(&jpeg);
  std::free(out);
  return file;
}

// 16 bits a sample, grey, 3 x 2: 0, 1, 32767, 32768, 65534, 65535; by Pillow.
std::string Png16File() {
  static constexpr unsigned char kFile[] = {
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
      0x44, 0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x10, 0x00, 0x00, 0x00,
      0x00, 0xe8, 0x8f, 0xe5, 0x85, 0x00, 0x00, 0x00, 0x16, 0x49, 0x44, 0x41, 0x54, 0x78,
      0x9c, 0x63, 0x60, 0x60, 0x60, 0x60, 0xac, 0xff, 0xcf, 0xd0, 0xc0, 0xf0, 0xff, 0xdf,
      0xff, 0xff, 0x00, 0x19, 0x7a, 0x05, 0xfb, 0xc8, 0xe6, 0x90, 0xe9, 0x00, 0x00, 0x00,
      0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
  };
  return {reinterpret_cast<const char*>(kFile), sizeof(kFile)};
}

v1::Images FilesOf(const std::vector<std::string>& files) {
  v1::Images images;
  for (const std::string& file : files) images.mutable_encoded()->add_files(file);
  return images;
}

float FromByte(int v) { return static_cast<float>(v / 127.5 - 1); }

TEST(ReadImagesTest, FloatTensorIsTakenAsItIs) {
  const std::vector<float> values = {-1, 0, 1, 2.5F, -7, 1e-20F};  // out of range is allowed
  ASSERT_OK_AND_ASSIGN(
      const at::Tensor images,
      ReadImages(TensorOf(v1::Tensor::FLOAT32, {1, 1, 2, 3}, Bytes(values)), kGrey, 4));
  EXPECT_TRUE(images.equal(at::tensor(values).view({1, 1, 2, 3})));
}

TEST(ReadImagesTest, TensorWithoutBatchDimensionIsOneImage) {
  ASSERT_OK_AND_ASSIGN(
      const at::Tensor images,
      ReadImages(TensorOf(v1::Tensor::UINT8, {1, 2, 3}, std::string(6, '\0')), kGrey, 4));
  EXPECT_EQ(images.sizes(), (std::vector<int64_t>{1, 1, 2, 3}));
}

TEST(ReadImagesTest, BytesMapToTheModelsRange) {
  const std::string data = {'\0', '\x01', '\x7f', '\x80', '\xfe', '\xff'};
  ASSERT_OK_AND_ASSIGN(const at::Tensor images,
                       ReadImages(TensorOf(v1::Tensor::UINT8, {1, 1, 2, 3}, data), kGrey, 4));
  const std::vector<float> expected = {-1, FromByte(1), FromByte(127), FromByte(128), FromByte(254),
                                       1};
  EXPECT_TRUE(images.equal(at::tensor(expected).view({1, 1, 2, 3}))) << images;
}

TEST(ReadImagesTest, ManyImagesKeepTheirOrder) {
  std::vector<float> values(12);
  for (size_t i = 0; i < 12; ++i) values[i] = static_cast<float>(i);
  ASSERT_OK_AND_ASSIGN(
      const at::Tensor images,
      ReadImages(TensorOf(v1::Tensor::FLOAT32, {2, 1, 2, 3}, Bytes(values)), kGrey, 2));
  EXPECT_EQ(images[1][0][0][0].item<float>(), 6);
}

TEST(ReadImagesTest, GreyPng) {
  ASSERT_OK_AND_ASSIGN(const at::Tensor images,
                       ReadImages(FilesOf({PngFile(1), PngFile(1)}), kGrey, 2));
  EXPECT_EQ(images.sizes(), (std::vector<int64_t>{2, 1, 2, 3}));
  EXPECT_EQ(images[1][0][1][2].item<float>(), FromByte(50));
}

TEST(ReadImagesTest, RgbPngBecomesPlanes) {
  ASSERT_OK_AND_ASSIGN(const at::Tensor images, ReadImages(FilesOf({PngFile(3)}), kRgb, 1));
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(images[0][c][1][1].item<float>(), FromByte(10 * (4 * 3 + c))) << c;
  }
}

TEST(ReadImagesTest, GreyFileServesRgbModel) {
  ASSERT_OK_AND_ASSIGN(const at::Tensor images, ReadImages(FilesOf({PngFile(1)}), kRgb, 1));
  for (int c = 0; c < 3; ++c) EXPECT_EQ(images[0][c][1][0].item<float>(), FromByte(30)) << c;
}

TEST(ReadImagesTest, SixteenBitPngKeepsItsPrecision) {
  ASSERT_OK_AND_ASSIGN(const at::Tensor images, ReadImages(FilesOf({Png16File()}), kGrey, 1));
  const std::vector<int> values = {0, 1, 32767, 32768, 65534, 65535};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(images.flatten()[static_cast<int64_t>(i)].item<float>(),
              static_cast<float>(values[i] / 32767.5 - 1));
  }
}

TEST(ReadImagesTest, Jpeg) {
  ASSERT_OK_AND_ASSIGN(const at::Tensor images, ReadImages(FilesOf({JpegFile(200)}), kGrey, 1));
  EXPECT_LE(images.sub(FromByte(200)).abs().max().item<float>(), 1.01 / 127.5);
}

struct BadImages {
  const char* name;
  v1::Images images;
  ImageShape shape;
  const char* field;
  const char* message;
};

std::vector<BadImages> AllBadImages() {
  constexpr auto kFloat = v1::Tensor::FLOAT32;
  constexpr auto kByte = v1::Tensor::UINT8;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::string six(6, 'x');
  const int64_t huge = std::numeric_limits<int64_t>::max();
  return {
      {"NoContent", v1::Images(), kGrey, "content", "is required"},
      {"NoType", TensorOf(v1::Tensor::DATA_TYPE_UNSPECIFIED, {1, 2, 3}, six), kGrey,
       "tensor.data_type", "is required"},
      {"UnknownType", TensorOf(static_cast<v1::Tensor::DataType>(9), {1, 2, 3}, six), kGrey,
       "tensor.data_type", "was 9"},
      {"NoShape", TensorOf(kByte, {}, six), kGrey, "tensor.shape", "was []"},
      {"Matrix", TensorOf(kByte, {2, 3}, six), kGrey, "tensor.shape",
       "must be [N, 1, 2, 3] or [1, 2, 3]; was [2, 3]"},
      {"FiveDimensions", TensorOf(kByte, {1, 1, 1, 2, 3}, six), kGrey, "tensor.shape",
       "was [1, 1, 1, 2, 3]"},
      {"ManyDimensions", TensorOf(kByte, std::vector<int64_t>(5000, 1), six), kGrey, "tensor.shape",
       "was [1, 1, 1, 1, 1, 1, 1, 1, ...]"},
      {"Transposed", TensorOf(kByte, {1, 3, 2}, six), kGrey, "tensor.shape", "was [1, 3, 2]"},
      {"WrongChannels", TensorOf(kByte, {3, 2, 3}, six), kGrey, "tensor.shape", "was [3, 2, 3]"},
      {"NoImages", TensorOf(kByte, {0, 1, 2, 3}, ""), kGrey, "tensor.shape", "was [0, 1, 2, 3]"},
      {"NegativeCount", TensorOf(kByte, {-1, 1, 2, 3}, six), kGrey, "tensor.shape",
       "was [-1, 1, 2, 3]"},
      {"TooMany", TensorOf(kByte, {5, 1, 2, 3}, std::string(30, 'x')), kGrey, "tensor.shape",
       "must be at most 4 images; was 5"},
      {"Overflow", TensorOf(kFloat, {huge, 1, 2, 3}, six), kGrey, "tensor.shape", "at most 4"},
      {"ShortData", TensorOf(kByte, {1, 2, 3}, "xxxxx"), kGrey, "tensor.data",
       "must be 6 bytes, as the shape [1, 2, 3] says; was 5"},
      {"LongData", TensorOf(kFloat, {1, 2, 3}, std::string(25, 'x')), kGrey, "tensor.data",
       "must be 24 bytes"},
      {"NoData", TensorOf(kFloat, {1, 2, 3}, ""), kGrey, "tensor.data", "was 0"},
      {"Nan", TensorOf(kFloat, {1, 2, 3}, Bytes({0, 0, 0, nan, 0, 0})), kGrey, "tensor.data",
       "element 3 is nan"},
      {"Infinite", TensorOf(kFloat, {1, 2, 3}, Bytes({0, 0, 0, 0, 0, -infinity})), kGrey,
       "tensor.data", "element 5 is -inf"},
      {"NoFiles",
       [] {
         v1::Images i;
         i.mutable_encoded();
         return i;
       }(),
       kGrey, "encoded.files", "is required"},
      {"TooManyFiles", FilesOf(std::vector<std::string>(5, PngFile(1))), kGrey, "encoded.files",
       "at most 4 images; was 5"},
      {"NotAPicture", FilesOf({PngFile(1), "hello"}), kGrey, "encoded.files[1]",
       "must be a PNG or JPEG file; was neither"},
      {"EmptyFile", FilesOf({""}), kGrey, "encoded.files[0]", "was an empty file"},
      {"TruncatedPng", FilesOf({PngFile(1).substr(0, 50)}), kGrey, "encoded.files[0]", ""},
      {"WrongSize", FilesOf({PngFile(1, 5)}), kGrey, "encoded.files[0]",
       "must be 3 wide, 2 high, of 1 channel; was 5 wide, 2 high"},
      {"RgbForGrey", FilesOf({PngFile(3)}), kGrey, "encoded.files[0]",
       "of 1 channel; was 3 wide, 2 high, of 3 channels"},
      {"MixedFormats", FilesOf({PngFile(1), JpegFile(7)}), kGrey, "encoded.files[1]",
       "must be of the same format"},
  };
}

TEST(ReadImagesTest, MalformedImagesAreRefusedByField) {
  for (const BadImages& bad : AllBadImages()) {
    SCOPED_TRACE(bad.name);
    const auto images = ReadImages(bad.images, bad.shape, 4);
    EXPECT_THAT(images, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.message)));
    EXPECT_THAT(FieldOf(images.status()), Optional(std::string(bad.field)));
  }
}

TEST(WriteImagesTest, FloatTensorIsExact) {
  const at::Tensor images = at::tensor({-3.5F, 0.1F, 1e-30F, 1.0F, 2.0F, -1.0F}).view({2, 1, 1, 3});
  const v1::Images proto = WriteImages(images, v1::IMAGE_FORMAT_UNSPECIFIED);
  EXPECT_EQ(proto.tensor().data_type(), v1::Tensor::FLOAT32);
  ASSERT_OK_AND_ASSIGN(const at::Tensor read, ReadImages(proto, {1, 1, 3}, 2));
  EXPECT_TRUE(read.equal(images));
}

TEST(WriteImagesTest, BytesAreClampedAndRounded) {
  const at::Tensor images =
      at::tensor({-3.5F, -1.0F, 0.0F, 1.0F, 2.0F, std::nanf("")}).view({1, 2, 3});
  const v1::Images proto = WriteImages(images, v1::IMAGE_FORMAT_TENSOR_UINT8);
  EXPECT_THAT(proto.tensor().shape(), ::testing::ElementsAre(1, 2, 3));
  const std::string& data = proto.tensor().data();
  const std::vector<int> values(reinterpret_cast<const uint8_t*>(data.data()),
                                reinterpret_cast<const uint8_t*>(data.data()) + data.size());
  EXPECT_THAT(values, ::testing::ElementsAre(0, 0, 128, 255, 255, 128));
}

TEST(WriteImagesTest, EveryByteSurvivesTheWayThroughFloatAndBack) {
  std::string data(256, '\0');
  for (size_t i = 0; i < 256; ++i) data[i] = static_cast<char>(i);
  ASSERT_OK_AND_ASSIGN(const at::Tensor images,
                       ReadImages(TensorOf(v1::Tensor::UINT8, {1, 16, 16}, data), {1, 16, 16}, 1));
  EXPECT_EQ(WriteImages(images, v1::IMAGE_FORMAT_TENSOR_UINT8).tensor().data(), data);
}

TEST(WriteImagesTest, PngHoldsWhatUint8Would) {
  for (const int64_t channels : {1, 3}) {
    at::Tensor images = at::arange(2 * channels * 6, at::kFloat).div(20).sub(1.1);
    images = images.view({2, channels, 2, 3});
    const v1::Images png = WriteImages(images, v1::IMAGE_FORMAT_PNG);
    ASSERT_EQ(png.encoded().files_size(), 2);
    const ImageShape shape = {channels, 2, 3};
    ASSERT_OK_AND_ASSIGN(const at::Tensor from_png, ReadImages(png, shape, 2));
    ASSERT_OK_AND_ASSIGN(const at::Tensor from_bytes,
                         ReadImages(WriteImages(images, v1::IMAGE_FORMAT_TENSOR_UINT8), shape, 2));
    EXPECT_TRUE(from_png.equal(from_bytes)) << channels;
  }
}

TEST(WriteImagesTest, WhatPngCannotHoldIsATensor) {
  const v1::Images images = WriteImages(at::zeros({2, 4, 2, 3}), v1::IMAGE_FORMAT_PNG);
  EXPECT_EQ(images.tensor().data_type(), v1::Tensor::FLOAT32);
  EXPECT_FALSE(HasPng(4));
}

TEST(WriteImagesTest, StridedImagesAreWrittenInOrder) {
  const at::Tensor images = at::arange(12, at::kFloat).view({1, 2, 2, 3}).transpose(1, 2);
  ASSERT_OK_AND_ASSIGN(
      const at::Tensor read,
      ReadImages(WriteImages(images, v1::IMAGE_FORMAT_TENSOR_FLOAT32), {2, 2, 3}, 1));
  EXPECT_TRUE(read.equal(images));
}

}  // namespace
}  // namespace tweedie
