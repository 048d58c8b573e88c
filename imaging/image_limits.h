#ifndef TWEEDIE_IMAGING_IMAGE_LIMITS_H_
#define TWEEDIE_IMAGING_IMAGE_LIMITS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "imaging/image.h"

namespace tweedie {

// INVALID_ARGUMENT if an image of this size is not within `limits`.
absl::Status CheckSize(int64_t width, int64_t height, const ImageLimits& limits);

}  // namespace tweedie

#endif  // TWEEDIE_IMAGING_IMAGE_LIMITS_H_
