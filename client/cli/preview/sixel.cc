#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/preview/encoders.h"

namespace tweedie::cli {
namespace {

constexpr int kRows = 6;  // of a band
constexpr int kGreys = 64;
constexpr int kReds = 6;
constexpr int kGreens = 7;
constexpr int kBlues = 6;

// Which of `levels` values a sample of 0 to 255 is nearest to.
int LevelOf(int sample, int levels) { return (sample * (levels - 1) + 127) / 255; }
// In percent.
int PercentOf(int level, int levels) { return level * 100 / (levels - 1); }

// An image in the numbers of a palette.
struct Indexed {
  int width = 0;
  int height = 0;
  std::vector<int> pixels;
};

Indexed ToIndices(const Image& image) {
  Indexed indexed{image.width, image.height, {}};
  for (size_t i = 0; i < image.pixels.size(); i += static_cast<size_t>(image.channels)) {
    const uint16_t* pixel = &image.pixels[i];
    indexed.pixels.push_back(
        image.channels == 1
            ? LevelOf(pixel[0], kGreys)
            : (LevelOf(pixel[0], kReds) * kGreens + LevelOf(pixel[1], kGreens)) * kBlues +
                  LevelOf(pixel[2], kBlues));
  }
  return indexed;
}

std::string Define(int color, bool is_grey) {
  int red = PercentOf(color % kGreys, kGreys);
  int green = red;
  int blue = red;
  if (!is_grey) {
    red = PercentOf(color / (kGreens * kBlues), kReds);
    green = PercentOf(color / kBlues % kGreens, kGreens);
    blue = PercentOf(color % kBlues, kBlues);
  }
  return absl::StrCat("#", color, ";2;", red, ";", green, ";", blue);
}

// The same character several times, shortened where that is shorter.
void AppendRun(char sixel, int count, std::string* text) {
  if (count > 3) {
    absl::StrAppend(text, "!", count, std::string(1, sixel));
  } else {
    text->append(static_cast<size_t>(count), sixel);
  }
}

// Where one color is in six rows from `top` on: a character a column.
void AppendColor(const Indexed& image, int top, int color, std::string* text) {
  absl::StrAppend(text, "#", color);
  char before = 0;
  int count = 0;
  for (int x = 0; x < image.width; ++x) {
    int bits = 0;
    for (int row = 0; row < kRows && top + row < image.height; ++row) {
      const size_t at = static_cast<size_t>(top + row) * image.width + x;
      if (image.pixels[at] == color) bits |= 1 << row;
    }
    const char sixel = static_cast<char>('?' + bits);
    if (sixel != before) AppendRun(before, count, text);
    count = sixel == before ? count + 1 : 1;
    before = sixel;
  }
  AppendRun(before, count, text);
}

std::set<int> ColorsOf(const Indexed& image, int top, int rows) {
  const auto begin = image.pixels.begin() + static_cast<ptrdiff_t>(top) * image.width;
  const int left = std::min(rows, image.height - top);
  return {begin, begin + static_cast<ptrdiff_t>(left) * image.width};
}

}  // namespace

std::string EncodeSixel(const Image& image) {
  const Indexed indexed = ToIndices(image);
  std::string text = absl::StrCat("\x1bP0;1;0q\"1;1;", image.width, ";", image.height);
  for (const int color : ColorsOf(indexed, 0, image.height)) {
    absl::StrAppend(&text, Define(color, image.channels == 1));
  }
  for (int top = 0; top < image.height; top += kRows) {
    for (const int color : ColorsOf(indexed, top, kRows)) {
      AppendColor(indexed, top, color, &text);
      absl::StrAppend(&text, "$");  // to the band's beginning
    }
    absl::StrAppend(&text, "-");  // to the next band
  }
  return absl::StrCat(text, "\x1b\\\n");
}

}  // namespace tweedie::cli
