#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "client/cli/preview/encoders.h"
#include "core/base/status_macros.h"
#include "imaging/contact_sheet.h"

namespace tweedie::cli {
namespace {

using Color = std::array<int, 3>;

// The mean over `factor` x `factor` pixels of the image, from (x, y) on, that are in it.
Color MeanColor(const Image& image, int x, int y, int factor) {
  Color sum = {};
  int count = 0;
  for (int row = y; row < std::min(y + factor, image.height); ++row) {
    for (int column = x; column < std::min(x + factor, image.width); ++column) {
      const size_t pixel = (static_cast<size_t>(row) * image.width + column) * image.channels;
      for (int c = 0; c < 3; ++c) sum[c] += image.pixels[pixel + (image.channels == 3 ? c : 0)];
      ++count;
    }
  }
  for (int& value : sum) value /= std::max(count, 1);
  return sum;
}

// Rounded up.
int Quotient(int pixels, int places) { return (pixels - 1) / std::max(places, 1) + 1; }

std::string Code(const char* what, const Color& color) {
  return absl::StrCat("\x1b[", what, ";2;", color[0], ";", color[1], ";", color[2], "m");
}

}  // namespace

std::string EncodeBlocks(const Image& image, int columns, int rows) {
  const int factor =
      std::max(Quotient(image.width, columns), Quotient((image.height + 1) / 2, rows));
  std::string text;
  for (int y = 0; y < image.height; y += 2 * factor) {
    for (int x = 0; x < image.width; x += factor) {
      absl::StrAppend(&text, Code("38", MeanColor(image, x, y, factor)));
      const bool has_lower = y + factor < image.height;
      if (has_lower) absl::StrAppend(&text, Code("48", MeanColor(image, x, y + factor, factor)));
      absl::StrAppend(&text, "\u2580");  // the upper half of a block
    }
    absl::StrAppend(&text, "\x1b[0m\n");
  }
  return text;
}

int ImagesInARow(int width, int columns) { return std::max(1, (columns - 1) / (width + 1)); }

absl::StatusOr<std::string> EncodeBlocksOfAll(const std::vector<Image>& images, int columns,
                                              int rows) {
  ContactSheetOptions options;
  options.scale = 1;
  options.padding = 1;
  if (!images.empty()) {
    options.columns =
        std::min(ImagesInARow(images[0].width, columns), static_cast<int>(images.size()));
  }
  ASSIGN_OR_RETURN(const Image sheet, MakeContactSheet(images, options));
  return EncodeBlocks(sheet, columns, rows);
}

}  // namespace tweedie::cli
