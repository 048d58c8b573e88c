#include "imaging/contact_sheet.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr int kViewSide = 128;
constexpr int64_t kMaxSamples = int64_t{1} << 28;

// Sizes in pixels of the sheet.
struct Layout {
  int columns;
  int rows;
  int scale;
  int cell_width;
  int cell_height;
  int padding;
};

absl::Status CheckEqual(const std::vector<Image>& images) {
  if (images.empty()) return absl::InvalidArgumentError("a contact sheet of no images");
  const Image& first = images.front();
  const size_t size = static_cast<size_t>(first.width) * first.height * first.channels;
  for (const Image& image : images) {
    if (image.width != first.width || image.height != first.height ||
        image.channels != first.channels || image.max_value != first.max_value ||
        image.pixels.size() != size || size == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "images of a contact sheet must be alike; there are ", first.width, " x ", first.height,
          " x ", first.channels, " and ", image.width, " x ", image.height, " x ", image.channels));
    }
  }
  return absl::OkStatus();
}

Layout MakeLayout(const std::vector<Image>& images, const ContactSheetOptions& options) {
  const Image& first = images.front();
  const int count = static_cast<int>(images.size());
  Layout layout;
  layout.scale = options.scale > 0 ? options.scale : ViewScale(first.width, first.height);
  layout.columns = options.columns > 0 ? std::min(options.columns, count)
                                       : static_cast<int>(std::ceil(std::sqrt(count)));
  layout.rows = (count + layout.columns - 1) / layout.columns;
  layout.padding = std::max(options.padding, 0);
  layout.cell_width = first.width * layout.scale + layout.padding;
  layout.cell_height = first.height * layout.scale + layout.padding;
  return layout;
}

uint16_t ToEightBits(uint16_t v, int max_value) {
  return max_value == 255 ? v : static_cast<uint16_t>((v + 128) / 257);
}

// Draws `image` with its top left pixel at (left, top).
void Draw(const Image& image, int left, int top, int scale, Image* sheet) {
  for (int y = 0; y < image.height * scale; ++y) {
    const uint16_t* from =
        &image.pixels[static_cast<size_t>(y / scale) * image.width * image.channels];
    uint16_t* to =
        &sheet->pixels[(static_cast<size_t>(top + y) * sheet->width + left) * sheet->channels];
    for (int x = 0; x < image.width * scale; ++x) {
      for (int c = 0; c < image.channels; ++c) {
        *to++ = ToEightBits(from[(x / scale) * image.channels + c], image.max_value);
      }
    }
  }
}

}  // namespace

int ViewScale(int width, int height) {
  return std::max(1, kViewSide / std::max({1, width, height}));
}

absl::StatusOr<Image> MakeContactSheet(const std::vector<Image>& images,
                                       const ContactSheetOptions& options) {
  RETURN_IF_ERROR(CheckEqual(images));
  const Layout layout = MakeLayout(images, options);
  const int64_t width = int64_t{layout.columns} * layout.cell_width + layout.padding;
  const int64_t height = int64_t{layout.rows} * layout.cell_height + layout.padding;
  const int channels = images.front().channels;
  if (width * height > kMaxSamples / channels) {
    return absl::InvalidArgumentError(
        absl::StrCat("a contact sheet of ", width, " x ", height, " pixels is too large"));
  }
  Image sheet{static_cast<int>(width), static_cast<int>(height), channels, 255, {}};
  sheet.pixels.assign(static_cast<size_t>(width * height * channels), options.background);
  for (size_t i = 0; i < images.size(); ++i) {
    const int column = static_cast<int>(i) % layout.columns;
    const int row = static_cast<int>(i) / layout.columns;
    Draw(images[i], layout.padding + column * layout.cell_width,
         layout.padding + row * layout.cell_height, layout.scale, &sheet);
  }
  return sheet;
}

}  // namespace tweedie
