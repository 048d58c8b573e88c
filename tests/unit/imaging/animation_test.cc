#include "imaging/animation.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "imaging/image.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/imaging/test_files.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

const char kSignature[] = "\x89PNG\r\n\x1a\n";

// The still picture that frame `index` shows.
Image FrameOf(const std::vector<PngChunk>& chunks, int index) {
  std::string file = kSignature;
  AppendPngChunk("IHDR", chunks.at(0).data, &file);
  int current = -1;
  for (const PngChunk& chunk : chunks) {
    if (chunk.type == "fcTL") ++current;
    if (current != index) continue;
    if (chunk.type == "IDAT") AppendPngChunk("IDAT", chunk.data, &file);
    if (chunk.type == "fdAT") AppendPngChunk("IDAT", chunk.data.substr(4), &file);
  }
  AppendPngChunk("IEND", "", &file);
  return DecodeImage(file).value();
}

std::vector<Image> ThreeImages() {
  std::vector<Image> images;
  for (const auto value : std::vector<uint16_t>{10, 20, 30}) {
    images.push_back(MakeGradient(4, 3, 3));
    images.back().pixels[0] = value;
  }
  return images;
}

TEST(AnimationTest, FramesCanBeTakenApartAgain) {
  const std::vector<Image> images = ThreeImages();
  std::vector<AnimationFrame> frames;
  for (const Image& image : images) frames.push_back({EncodePng(image), 40});
  ASSERT_OK_AND_ASSIGN(const std::string file, MakeAnimation(frames));
  const std::vector<PngChunk> chunks = ParsePngChunks(file);
  EXPECT_EQ(chunks.front().type, "IHDR");
  EXPECT_EQ(chunks.at(1).type, "acTL");
  EXPECT_EQ(ReadUint32(chunks.at(1).data, 0), 3u);
  EXPECT_EQ(ReadUint32(chunks.at(1).data, 4), 0u);
  EXPECT_EQ(chunks.back().type, "IEND");
  for (const PngChunk& chunk : chunks) EXPECT_TRUE(chunk.crc_ok) << chunk.type;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(FrameOf(chunks, i).pixels, images[i].pixels) << i;
}

TEST(AnimationTest, SequenceNumbersAscendWithoutGaps) {
  std::vector<AnimationFrame> frames;
  for (const Image& image : ThreeImages()) frames.push_back({EncodePng(image), 70000});
  ASSERT_OK_AND_ASSIGN(const std::string file, MakeAnimation(frames));
  uint32_t expected = 0;
  for (const PngChunk& chunk : ParsePngChunks(file)) {
    if (chunk.type != "fcTL" && chunk.type != "fdAT") continue;
    EXPECT_EQ(ReadUint32(chunk.data, 0), expected++);
    if (chunk.type != "fcTL") continue;
    EXPECT_EQ(chunk.data.size(), 26u);
    EXPECT_EQ(ReadUint32(chunk.data, 4), 4u);
    EXPECT_EQ(ReadUint32(chunk.data, 8), 3u);
    EXPECT_EQ(ReadUint32(chunk.data, 20), 65535u << 16 | 1000u);  // longest delay
  }
  EXPECT_EQ(expected, 5u);  // 3 fcTL, 2 fdAT
}

TEST(AnimationTest, ReadersOfPlainPngSeeTheFirstFrame) {
  const std::vector<Image> images = ThreeImages();
  ASSERT_OK_AND_ASSIGN(const std::string file,
                       MakeAnimation({{EncodePng(images[0]), 40}, {EncodePng(images[1]), 40}}));
  ASSERT_OK_AND_ASSIGN(const Image still, DecodeImage(file));
  EXPECT_EQ(still.pixels, images[0].pixels);
}

TEST(AnimationTest, UnlikeOrBrokenFramesAreRefused) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const std::string good = EncodePng(MakeGradient(4, 3, 3));
  EXPECT_THAT(MakeAnimation({}), StatusIs(invalid, HasSubstr("no frames")));
  EXPECT_THAT(MakeAnimation({{good}, {EncodePng(MakeGradient(4, 4, 3))}}),
              StatusIs(invalid, HasSubstr("differ")));
  EXPECT_THAT(MakeAnimation({{good}, {"JPEG"}}), StatusIs(invalid, HasSubstr("no PNG")));
  for (size_t size = 8; size < good.size(); ++size) {
    if (good.substr(0, size).find("IDAT") != std::string::npos && size == good.size() - 12) {
      continue;  // complete but for IEND
    }
    EXPECT_THAT(MakeAnimation({{good.substr(0, size)}}), StatusIs(invalid, HasSubstr("malformed")));
  }
}

}  // namespace
}  // namespace tweedie
