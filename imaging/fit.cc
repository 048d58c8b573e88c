#include "imaging/fit.h"

#include <algorithm>
#include <cstddef>

namespace tweedie {
namespace {

// Where the picture lies in the frame.
struct Placement {
  int width;
  int height;
  int left;
  int top;
};

Placement Place(const Frame& frame, const Image& image) {
  const double scale = std::min(static_cast<double>(frame.width) / image.width,
                                static_cast<double>(frame.height) / image.height);
  Placement p;
  p.width = std::clamp(static_cast<int>(image.width * scale + 0.5), 1, frame.width);
  p.height = std::clamp(static_cast<int>(image.height * scale + 0.5), 1, frame.height);
  p.left = (frame.width - p.width) / 2;
  p.top = (frame.height - p.height) / 2;
  return p;
}

// Channel `c` of `channels` of the pixel at `from`.
int ChannelOf(const uint16_t* from, const Image& image, int c, int channels) {
  if (image.channels == channels) return from[c];
  if (image.channels == 1) return from[0];
  int sum = 0;
  for (int i = 0; i < image.channels; ++i) sum += from[i];
  return (sum + image.channels / 2) / image.channels;
}

uint16_t ToEightBits(int v, int max_value) {
  return static_cast<uint16_t>(max_value == 255 ? v : (v + 128) / 257);
}

}  // namespace

Image FitInto(const Frame& frame, const Image& image, uint16_t background) {
  Image fitted{frame.width, frame.height, frame.channels, 255, {}};
  fitted.pixels.assign(static_cast<size_t>(frame.width) * frame.height * frame.channels,
                       background);
  const Placement p = Place(frame, image);
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < p.width; ++x) {
      const size_t row = static_cast<size_t>(y) * image.height / p.height;
      const size_t column = static_cast<size_t>(x) * image.width / p.width;
      const uint16_t* from = &image.pixels[(row * image.width + column) * image.channels];
      uint16_t* to = &fitted.pixels[(static_cast<size_t>(p.top + y) * frame.width + p.left + x) *
                                    frame.channels];
      for (int c = 0; c < frame.channels; ++c) {
        to[c] = ToEightBits(ChannelOf(from, image, c, frame.channels), image.max_value);
      }
    }
  }
  return fitted;
}

}  // namespace tweedie
