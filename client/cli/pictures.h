#ifndef TWEEDIE_CLIENT_CLI_PICTURES_H_
#define TWEEDIE_CLIENT_CLI_PICTURES_H_

#include "absl/status/statusor.h"
#include "client/cli/npy.h"
#include "imaging/image.h"

namespace tweedie::cli {

// A picture of [C, H, W] in [-1, 1], C 1 or 3: clamped and rounded to 8 bits as
// the server does. INTERNAL for another shape.
absl::StatusOr<Image> ToPicture(const Array& image);

// [C, H, W] in [-1, 1].
Array ToArray(const Image& picture);

// A picture of deviations [C, H, W]: 0 is black, kWhiteDeviation and more white,
// the same for every image, so that pictures can be compared.
inline constexpr float kWhiteDeviation = 0.5f;
absl::StatusOr<Image> ToDeviationPicture(const Array& deviation);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PICTURES_H_
