#ifndef TWEEDIE_IMAGING_CONTACT_SHEET_H_
#define TWEEDIE_IMAGING_CONTACT_SHEET_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "imaging/image.h"

namespace tweedie {

// How a contact sheet is laid out.
struct ContactSheetOptions {
  int columns = 0;           // images a row; 0: as near to a square as may be
  int scale = 0;             // each pixel becomes scale x scale; 0: ViewScale()
  int padding = 2;           // pixels between images and around them
  uint16_t background = 32;  // grey value of the padding, 0 to 255
};

// The integer factor that brings an image's longer side to about 128 pixels; at
// least 1.
int ViewScale(int width, int height);

// A grid of images, in rows from the top left. `images` must be of one size,
// channels and max_value, as those of one job are; rows of different sources
// are made by `columns`. 16-bit images are rounded to 8 bits. INVALID_ARGUMENT
// if there are none, if they differ, or if the sheet would have more than 2^28
// samples.
absl::StatusOr<Image> MakeContactSheet(const std::vector<Image>& images,
                                       const ContactSheetOptions& options = {});

}  // namespace tweedie

#endif  // TWEEDIE_IMAGING_CONTACT_SHEET_H_
