#ifndef TWEEDIE_CLIENT_CLI_PREVIEW_ENCODERS_H_
#define TWEEDIE_CLIENT_CLI_PREVIEW_ENCODERS_H_

#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "imaging/image.h"

namespace tweedie::cli {

// The most images of a job that are shown.
inline constexpr int kMostShownImages = 8;

inline constexpr int kAnyRows = std::numeric_limits<int>::max();

// Pictures as text that a terminal draws. Images have 8 bits, and 1 or 3 channels.

// Two pixels a character, one above the other, in 24-bit colour. An image that would take
// more than `columns` characters or `rows` lines is made smaller by a whole factor. Ends
// with a line end.
std::string EncodeBlocks(const Image& image, int columns, int rows = kAnyRows);

// How many images of `width` pixels fit beside each other as blocks, with a pixel around
// each; at least one.
int ImagesInARow(int width, int columns);

// The same of several, in rows of as many as fit. INVALID_ARGUMENT as of MakeContactSheet().
absl::StatusOr<std::string> EncodeBlocksOfAll(const std::vector<Image>& images, int columns,
                                              int rows = kAnyRows);

// The graphics protocol of kitty, of the bytes of a PNG file.
std::string EncodeKitty(absl::string_view png);

// Sixels: in 64 greys, or 252 colours (6 x 7 x 6).
std::string EncodeSixel(const Image& image);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PREVIEW_ENCODERS_H_
