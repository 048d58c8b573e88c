#include "imaging/image.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/unit/imaging/test_files.h"

namespace tweedie {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::vector<uint8_t> Row16(const std::vector<uint16_t>& samples) {
  std::vector<uint8_t> bytes;
  for (uint16_t v : samples) {
    bytes.push_back(static_cast<uint8_t>(v >> 8));
    bytes.push_back(static_cast<uint8_t>(v & 255));
  }
  return bytes;
}

TEST(PngTest, EncodedImageDecodesToItself) {
  for (int channels : {1, 3}) {
    const Image image = MakeGradient(7, 5, channels);
    ASSERT_OK_AND_ASSIGN(const Image decoded, DecodeImage(EncodePng(image)));
    EXPECT_EQ(decoded.width, 7);
    EXPECT_EQ(decoded.height, 5);
    EXPECT_EQ(decoded.channels, channels);
    EXPECT_EQ(decoded.max_value, 255);
    EXPECT_EQ(decoded.pixels, image.pixels);
  }
}

TEST(PngTest, EncodingTwiceGivesTheSameBytes) {
  const Image image = MakeGradient(32, 32, 3);
  EXPECT_EQ(EncodePng(image), EncodePng(image));
}

TEST(PngTest, EncodingWhatIsNoEightBitImageGivesNoFile) {
  EXPECT_EQ(EncodePng(Image{}), "");
  EXPECT_EQ(EncodePng(MakeGradient(2, 2, 1, 65535)), "");
}

TEST(PngTest, SmallBitDepthsAreScaledToEight) {
  PngFile file{.width = 4, .bit_depth = 1, .rows = {{0b10100000}}};
  ASSERT_OK_AND_ASSIGN(Image image, DecodeImage(WritePngFile(file)));
  EXPECT_THAT(image.pixels, ElementsAre(255, 0, 255, 0));
  file.bit_depth = 2;
  file.rows = {{0b00011011}};
  ASSERT_OK_AND_ASSIGN(image, DecodeImage(WritePngFile(file)));
  EXPECT_THAT(image.pixels, ElementsAre(0, 85, 170, 255));
  file.bit_depth = 4;
  file.rows = {{0x01, 0xf7}};
  ASSERT_OK_AND_ASSIGN(image, DecodeImage(WritePngFile(file)));
  EXPECT_THAT(image.pixels, ElementsAre(0, 17, 255, 119));
  EXPECT_EQ(image.channels, 1);
  EXPECT_EQ(image.max_value, 255);
}

TEST(PngTest, SixteenBitsAreKept) {
  const PngFile grey{.width = 3, .bit_depth = 16, .rows = {Row16({0, 258, 65535})}};
  ASSERT_OK_AND_ASSIGN(Image image, DecodeImage(WritePngFile(grey)));
  EXPECT_EQ(image.max_value, 65535);
  EXPECT_THAT(image.pixels, ElementsAre(0, 258, 65535));
  const PngFile rgb{
      .bit_depth = 16, .color_type = PNG_COLOR_TYPE_RGB, .rows = {Row16({1, 2, 40000})}};
  ASSERT_OK_AND_ASSIGN(image, DecodeImage(WritePngFile(rgb)));
  EXPECT_EQ(image.channels, 3);
  EXPECT_THAT(image.pixels, ElementsAre(1, 2, 40000));
}

TEST(PngTest, PaletteBecomesRgb) {
  for (int bit_depth : {1, 2, 4, 8}) {
    const uint8_t first_is_one = static_cast<uint8_t>(1 << (8 - bit_depth));
    PngFile file{.bit_depth = bit_depth, .color_type = PNG_COLOR_TYPE_PALETTE};
    file.rows = {{first_is_one}};
    file.palette = {{1, 2, 3}, {250, 128, 7}};
    ASSERT_OK_AND_ASSIGN(const Image image, DecodeImage(WritePngFile(file)));
    EXPECT_EQ(image.channels, 3);
    EXPECT_THAT(image.pixels, ElementsAre(250, 128, 7)) << bit_depth;
  }
}

TEST(PngTest, PaletteIndexBeyondThePaletteDoesNotCrash) {
  PngFile file{
      .color_type = PNG_COLOR_TYPE_PALETTE, .rows = {{1}}, .palette = {{9, 9, 9}, {8, 8, 8}}};
  std::string bytes = "\x89PNG\r\n\x1a\n";
  for (PngChunk chunk : ParsePngChunks(WritePngFile(file))) {
    if (chunk.type == "PLTE") chunk.data.resize(3);
    AppendPngChunk(chunk.type, chunk.data, &bytes);
  }
  const auto image = DecodeImage(bytes);
  if (image.ok()) {
    EXPECT_THAT(image->pixels, SizeIs(3));
  }
}

TEST(PngTest, OpaqueAlphaIsDropped) {
  const PngFile rgba{
      .width = 2, .color_type = PNG_COLOR_TYPE_RGB_ALPHA, .rows = {{1, 2, 3, 255, 4, 5, 6, 255}}};
  ASSERT_OK_AND_ASSIGN(Image image, DecodeImage(WritePngFile(rgba)));
  EXPECT_EQ(image.channels, 3);
  EXPECT_THAT(image.pixels, ElementsAre(1, 2, 3, 4, 5, 6));
  const PngFile grey_alpha{
      .bit_depth = 16, .color_type = PNG_COLOR_TYPE_GRAY_ALPHA, .rows = {Row16({12345, 65535})}};
  ASSERT_OK_AND_ASSIGN(image, DecodeImage(WritePngFile(grey_alpha)));
  EXPECT_EQ(image.channels, 1);
  EXPECT_THAT(image.pixels, ElementsAre(12345));
}

TEST(PngTest, TransparentPixelsAreRefused) {
  const PngFile rgba{
      .width = 2, .color_type = PNG_COLOR_TYPE_RGB_ALPHA, .rows = {{1, 2, 3, 255, 4, 5, 6, 254}}};
  EXPECT_THAT(DecodeImage(WritePngFile(rgba)), StatusIs(kInvalid, HasSubstr("transparent")));
  const PngFile almost{
      .bit_depth = 16, .color_type = PNG_COLOR_TYPE_GRAY_ALPHA, .rows = {Row16({12345, 65534})}};
  EXPECT_THAT(DecodeImage(WritePngFile(almost)), StatusIs(kInvalid, HasSubstr("transparent")));
}

TEST(PngTest, TransparencyCountsOnlyWhereItIsUsed) {
  PngFile file{.color_type = PNG_COLOR_TYPE_PALETTE, .rows = {{1}}};
  file.palette = {{1, 2, 3}, {4, 5, 6}};
  file.palette_alpha = {0};
  ASSERT_OK_AND_ASSIGN(const Image image, DecodeImage(WritePngFile(file)));
  EXPECT_THAT(image.pixels, ElementsAre(4, 5, 6));
  file.rows = {{0}};
  EXPECT_THAT(DecodeImage(WritePngFile(file)), StatusIs(kInvalid, HasSubstr("transparent")));

  PngFile keyed{.width = 2, .rows = {{7, 8}}, .has_grey_key = true, .grey_key = 9};
  EXPECT_OK(DecodeImage(WritePngFile(keyed)));
  keyed.grey_key = 8;
  EXPECT_THAT(DecodeImage(WritePngFile(keyed)), StatusIs(kInvalid, HasSubstr("transparent")));
}

TEST(PngTest, InterlacedFilesAreRead) {
  PngFile file{.width = 9, .height = 9, .interlace = PNG_INTERLACE_ADAM7};
  std::vector<uint16_t> expected;
  for (int y = 0; y < 9; ++y) {
    std::vector<uint8_t> row;
    for (int x = 0; x < 9; ++x) row.push_back(static_cast<uint8_t>(20 * y + x));
    expected.insert(expected.end(), row.begin(), row.end());
    file.rows.push_back(row);
  }
  ASSERT_OK_AND_ASSIGN(const Image image, DecodeImage(WritePngFile(file)));
  EXPECT_EQ(image.pixels, expected);
}

TEST(PngTest, EveryTruncationIsAnError) {
  const std::string file = EncodePng(MakeGradient(16, 16, 3));
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(DecodeImage(file.substr(0, size)), StatusIs(kInvalid, HasSubstr("file"))) << size;
  }
}

TEST(PngTest, DamagedBytesNeverCrash) {
  const std::string file = EncodePng(MakeGradient(16, 16, 1));
  for (size_t at = 8; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const auto image = DecodeImage(damaged);
      if (image.ok()) {  // an ancillary chunk was hit
        EXPECT_THAT(image->pixels, SizeIs(256));
      }
    }
  }
}

TEST(PngTest, TooLargeSizesAreRefusedBeforeTheyAreAllocated) {
  std::string file = "\x89PNG\r\n\x1a\n";
  AppendPngChunk("IHDR", std::string("\x7f\xff\xff\xff\x7f\xff\xff\xff\x10\x06\0\0\0", 13), &file);
  AppendPngChunk("IDAT", std::string(100, '\0'), &file);
  EXPECT_THAT(DecodeImage(file), StatusIs(kInvalid, HasSubstr("2147483647 x 2147483647")));
  const std::string small = EncodePng(MakeGradient(33, 32, 1));
  EXPECT_THAT(DecodeImage(small, {.max_side = 32}), StatusIs(kInvalid, HasSubstr("to 32")));
  EXPECT_THAT(DecodeImage(small, {.max_pixels = 1055}), StatusIs(kInvalid, HasSubstr("1055")));
  EXPECT_OK(DecodeImage(small, {.max_side = 33, .max_pixels = 1056}));
}

TEST(PngTest, CompressedTextIsNotExpanded) {
  const std::string good = EncodePng(MakeGradient(2, 2, 1));
  std::string zeros(8 << 20, '\0');
  uLongf size = compressBound(static_cast<uLong>(zeros.size()));
  std::string compressed(size, '\0');
  compress(reinterpret_cast<Bytef*>(compressed.data()), &size,
           reinterpret_cast<const Bytef*>(zeros.data()), static_cast<uLong>(zeros.size()));
  compressed.resize(size);
  std::string bomb = "\x89PNG\r\n\x1a\n";
  for (const PngChunk& chunk : ParsePngChunks(good)) {
    for (int i = 0; chunk.type == "IDAT" && i < 2000; ++i) {
      AppendPngChunk("zTXt", std::string("k\0\0", 3) + compressed, &bomb);
    }
    AppendPngChunk(chunk.type, chunk.data, &bomb);
  }
  ASSERT_OK_AND_ASSIGN(const Image image, DecodeImage(bomb));  // 16 GB if it were
  EXPECT_THAT(image.pixels, SizeIs(4));
}

TEST(JpegTest, GreyAndColourAreReadNearly) {
  for (int channels : {1, 3}) {
    Image image{16, 16, channels, 255, {}};
    image.pixels.assign(static_cast<size_t>(256 * channels), 100);
    for (bool progressive : {false, true}) {
      ASSERT_OK_AND_ASSIGN(const Image decoded,
                           DecodeImage(WriteJpegFile(image, 100, progressive)));
      EXPECT_EQ(decoded.channels, channels);
      EXPECT_EQ(decoded.width, 16);
      EXPECT_EQ(decoded.max_value, 255);
      EXPECT_THAT(decoded.pixels, SizeIs(256 * channels));
      EXPECT_THAT(decoded.pixels, Each(::testing::AllOf(::testing::Ge(98), ::testing::Le(102))));
    }
  }
}

TEST(JpegTest, CmykIsRefused) {
  EXPECT_THAT(DecodeImage(WriteJpegFile(MakeGradient(8, 8, 4))),
              StatusIs(kInvalid, HasSubstr("neither grey, YCbCr nor RGB")));
}

TEST(JpegTest, EveryTruncationIsAnError) {
  const std::string file = WriteJpegFile(MakeGradient(24, 24, 3));
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(DecodeImage(file.substr(0, size)), StatusIs(kInvalid, HasSubstr("file"))) << size;
  }
}

TEST(JpegTest, DamagedBytesNeverCrash) {
  const std::string file = WriteJpegFile(MakeGradient(16, 16, 3), 50, /*progressive=*/true);
  for (size_t at = 3; at < file.size(); ++at) {
    for (int flip : {0x01, 0x10, 0x80, 0xff}) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      (void)DecodeImage(damaged, {.max_side = 4096, .max_pixels = 1 << 20}).ok();
    }
  }
}

TEST(JpegTest, TooLargeSizesAreRefusedBeforeTheyAreAllocated) {
  std::string file = WriteJpegFile(MakeGradient(8, 8, 1));
  const size_t frame = file.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  file.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  EXPECT_THAT(DecodeImage(file), StatusIs(kInvalid, HasSubstr("65500 x 65500")));
}

TEST(ImageTest, OtherFilesAreRefused) {
  EXPECT_THAT(DecodeImage(""), StatusIs(kInvalid, HasSubstr("empty")));
  EXPECT_THAT(DecodeImage("GIF89a"), StatusIs(kInvalid, HasSubstr("neither")));
}

}  // namespace
}  // namespace tweedie
