// Pictures as text for terminals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "client/cli/preview/encoders.h"
#include "client/cli/preview/live_preview.h"
#include "client/cli/preview/style.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

Image Grey(int width, int height, std::vector<uint16_t> pixels) {
  return {width, height, 1, 255, std::move(pixels)};
}

// Colours that vary in both directions.
Image Gradient(int width, int height) {
  Image image{width, height, 3, 255, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.pixels.push_back(static_cast<uint16_t>(x * 255 / (width - 1)));
      image.pixels.push_back(static_cast<uint16_t>(y * 255 / (height - 1)));
      image.pixels.push_back(128);
    }
  }
  return image;
}

TEST(BlocksTest, CharacterIsTwoPixels) {
  EXPECT_EQ(EncodeBlocks(Grey(1, 3, {0, 255, 7}), 80),
            "\x1b[38;2;0;0;0m\x1b[48;2;255;255;255m\u2580\x1b[0m\n"
            "\x1b[38;2;7;7;7m\u2580\x1b[0m\n");
  EXPECT_EQ(EncodeBlocks({1, 1, 3, 255, {1, 2, 3}}, 80), "\x1b[38;2;1;2;3m\u2580\x1b[0m\n");
}

TEST(BlocksTest, WideImageIsMadeSmaller) {
  // Means of 2 x 2 pixels.
  EXPECT_EQ(EncodeBlocks(Grey(4, 2, {0, 100, 8, 8, 100, 200, 8, 8}), 2),
            "\x1b[38;2;100;100;100m\u2580\x1b[38;2;8;8;8m\u2580\x1b[0m\n");
}

TEST(BlocksTest, HighImageIsMadeSmaller) {
  // Means of 2 x 2 pixels again.
  EXPECT_EQ(EncodeBlocks(Grey(2, 4, {0, 100, 100, 200, 8, 8, 8, 8}), 80, 1),
            "\x1b[38;2;100;100;100m\x1b[48;2;8;8;8m\u2580\x1b[0m\n");
  EXPECT_EQ(EncodeBlocks(Grey(1, 2, {0, 0}), 80, 1), EncodeBlocks(Grey(1, 2, {0, 0}), 80));
}

// `count` white images.
v1::Frame FrameOf(int count, int size) {
  v1::Frame frame;
  const Image white = Grey(size, size, std::vector<uint16_t>(size * size, 255));
  for (int i = 0; i < count; ++i) {
    *frame.mutable_images()->mutable_encoded()->add_files() = EncodePng(white);
  }
  return frame;
}

// The characters of the lines that a frame becomes.
std::vector<size_t> WidthsOf(const v1::Frame& frame, int columns, int rows) {
  std::vector<size_t> widths;
  const absl::StatusOr<std::string> text = DrawFrame(frame, columns, rows);
  EXPECT_TRUE(text.ok()) << text.status();
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    const std::vector<std::string> blocks = absl::StrSplit(line, "\u2580");
    widths.push_back(blocks.size() - 1);
  }
  return widths;
}

TEST(LivePreviewTest, FrameFitsTheTerminal) {
  // One pixel around each: 4 images of 8 take 37 columns and 10 rows of pixels.
  EXPECT_THAT(WidthsOf(FrameOf(4, 8), 80, 22), AllOf(SizeIs(5), Each(37)));
  EXPECT_THAT(WidthsOf(FrameOf(20, 8), 80, 22), AllOf(SizeIs(5), Each(73))) << "8 at most";
  EXPECT_THAT(WidthsOf(FrameOf(4, 8), 20, 22), AllOf(SizeIs(5), Each(19))) << "2 fit";
  EXPECT_THAT(WidthsOf(FrameOf(1, 256), 80, 22), AllOf(SizeIs(Le(22)), Each(Le(80))));
  EXPECT_THAT(WidthsOf(FrameOf(1, 256), 40, 100), AllOf(SizeIs(Le(100)), Each(Le(40))));
}

TEST(LivePreviewTest, WhatIsNoImageIsAnError) {
  EXPECT_FALSE(DrawFrame({}, 80, 22).ok());
  v1::Frame frame;
  frame.mutable_images()->mutable_encoded()->add_files("no PNG");
  EXPECT_FALSE(DrawFrame(frame, 80, 22).ok());
}

TEST(KittyTest, PiecesHoldTheFile) {
  std::string png;
  for (int i = 0; i < 10000; ++i) png += static_cast<char>(i * 31);
  const std::string text = EncodeKitty(png);
  EXPECT_TRUE(absl::StartsWith(text, "\x1b_Ga=T,f=100,q=2,m=1;"));
  std::string encoded;
  std::vector<std::string> pieces;
  for (const absl::string_view part : absl::StrSplit(text, "\x1b\\")) {
    if (part == "\n") break;
    const std::vector<std::string> halves = absl::StrSplit(part, ';');
    ASSERT_EQ(halves.size(), 2);
    pieces.push_back(halves[1]);
    encoded += halves[1];
    EXPECT_TRUE(absl::EndsWith(halves[0], pieces.size() < 4 ? "m=1" : "m=0")) << halves[0];
  }
  EXPECT_EQ(pieces.size(), 4);
  EXPECT_THAT(pieces, Each(SizeIs(Le(4096u))));
  std::string decoded;
  ASSERT_TRUE(absl::Base64Unescape(encoded, &decoded));
  EXPECT_EQ(decoded, png);
}

// Draws sixels, as a terminal does: red, green and blue in percent of each pixel; -1
// where nothing was drawn.
class SixelScreen {
 public:
  SixelScreen(int width, int height) : width_(width), pixels_(width * height, {-1, -1, -1}) {}

  void Draw(const std::string& text) {
    size_t at = text.find('q') + 1;
    while (at < text.size() && text[at] != '\x1b') at = Step(text, at);
  }
  std::array<int, 3> At(int x, int y) const { return pixels_.at(y * width_ + x); }

 private:
  // The numbers that follow, `1;2;3`.
  static std::vector<int> Numbers(const std::string& text, size_t* at) {
    const size_t end = text.find_first_not_of("0123456789;", *at);
    std::vector<int> numbers;
    for (const auto& part : absl::StrSplit(text.substr(*at, end - *at), ';')) {
      numbers.push_back(std::atoi(std::string(part).c_str()));
    }
    *at = end;
    return numbers;
  }
  size_t Step(const std::string& text, size_t at) {
    const char what = text[at++];
    if (what == '"') {
      Numbers(text, &at);
    } else if (what == '#') {
      const std::vector<int> numbers = Numbers(text, &at);
      color_ = numbers[0];
      if (numbers.size() == 5) palette_[color_] = {numbers[2], numbers[3], numbers[4]};
    } else if (what == '$' || what == '-') {
      x_ = 0;
      if (what == '-') y_ += 6;
    } else {
      const int count = what == '!' ? Numbers(text, &at)[0] : 1;
      const char sixel = what == '!' ? text[at++] : what;
      for (int i = 0; i < count; ++i) Put(sixel - '?');
    }
    return at;
  }
  void Put(int bits) {
    for (int row = 0; row < 6; ++row) {
      if (bits & 1 << row) pixels_.at((y_ + row) * width_ + x_) = palette_.at(color_);
    }
    ++x_;
  }

  const int width_;
  std::vector<std::array<int, 3>> pixels_;
  std::map<int, std::array<int, 3>> palette_;
  int color_ = 0;
  int x_ = 0;
  int y_ = 0;
};

TEST(SixelTest, DrawsEveryPixelNearItsColor) {
  const Image image = Gradient(20, 13);
  const std::string text = EncodeSixel(image);
  EXPECT_THAT(text, HasSubstr("\"1;1;20;13"));
  SixelScreen screen(20, 13);
  screen.Draw(text);
  const int step[] = {10, 9, 10};  // half of one of 6, 7, 6 levels, in percent
  for (int y = 0; y < 13; ++y) {
    for (int x = 0; x < 20; ++x) {
      for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(screen.At(x, y)[c], image.pixels[(y * 20 + x) * 3 + c] / 2.55, step[c] + 1)
            << x << " " << y;
      }
    }
  }
}

TEST(SixelTest, GreysAreFine) {
  std::vector<uint16_t> pixels;
  for (int i = 0; i < 256; ++i) pixels.push_back(static_cast<uint16_t>(i));
  SixelScreen screen(256, 1);
  screen.Draw(EncodeSixel(Grey(256, 1, pixels)));
  for (int i = 0; i < 256; ++i) {
    EXPECT_NEAR(screen.At(i, 0)[0], i / 2.55, 2);
    EXPECT_EQ(screen.At(i, 0)[0], screen.At(i, 0)[2]);
  }
}

class StyleTest : public ::testing::Test {
 protected:
  PictureStyle Choose(const std::string& option) {
    TerminalTraits traits;
    traits.is_terminal = is_terminal_;
    traits.variable = [this](const char* name) { return variables_[name]; };
    traits.answer = [this] { return answer_; };
    return ChooseStyle(option, traits);
  }
  bool is_terminal_ = true;
  std::map<std::string, std::string> variables_ = {{"TERM", "xterm-256color"}};
  std::string answer_ = "\x1b[?64;1;2;22c";
};

TEST_F(StyleTest, BlocksWhereNothingIsKnown) {
  EXPECT_EQ(Choose("auto"), PictureStyle::kBlocks);
  answer_ = "";
  EXPECT_EQ(Choose("auto"), PictureStyle::kBlocks);
}

TEST_F(StyleTest, WhatTheTerminalSaysItCan) {
  answer_ = "\x1b[?62;4;22c";
  EXPECT_EQ(Choose("auto"), PictureStyle::kSixel);
  variables_["KITTY_WINDOW_ID"] = "1";
  EXPECT_EQ(Choose("auto"), PictureStyle::kKitty);
  variables_["TERM"] = "tmux-256color";
  answer_ = "";
  EXPECT_EQ(Choose("auto"), PictureStyle::kBlocks);
}

TEST_F(StyleTest, NothingWhereNobodySees) {
  is_terminal_ = false;
  EXPECT_EQ(Choose("auto"), PictureStyle::kNone);
  EXPECT_EQ(Choose("blocks"), PictureStyle::kBlocks);
  is_terminal_ = true;
  EXPECT_EQ(Choose("none"), PictureStyle::kNone);
  variables_["TERM"] = "dumb";
  EXPECT_EQ(Choose("auto"), PictureStyle::kNone);
}

TEST(HasSixelsTest, IsAttributeFour) {
  EXPECT_TRUE(HasSixels("\x1b[?62;4c"));
  EXPECT_FALSE(HasSixels("\x1b[?4;6c"));  // the first number is the class
  EXPECT_FALSE(HasSixels("\x1b[?62;44;14c"));
  EXPECT_FALSE(HasSixels("garbage;4;"));
}

}  // namespace
}  // namespace tweedie::cli
