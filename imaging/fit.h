#ifndef TWEEDIE_IMAGING_FIT_H_
#define TWEEDIE_IMAGING_FIT_H_

#include <cstdint>

#include "imaging/image.h"

namespace tweedie {

// The size and channels that pictures of one sheet share.
struct Frame {
  int width = 0;
  int height = 0;
  int channels = 1;
};

// `image` as large as it goes into `frame`, its pixels repeated or left out
// (never mixed), in the middle of a grey `background`; in 8 bits. Grey becomes
// RGB, and RGB the grey of its mean, where the channels differ. `image` must
// not be empty.
Image FitInto(const Frame& frame, const Image& image, uint16_t background = 32);

}  // namespace tweedie

#endif  // TWEEDIE_IMAGING_FIT_H_
