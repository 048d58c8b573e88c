#ifndef TWEEDIE_IMAGING_JPEG_DECODER_H_
#define TWEEDIE_IMAGING_JPEG_DECODER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "imaging/image.h"

namespace tweedie {

// Decodes a JPEG file, as DecodeImage() says. What libjpeg would patch up with
// a warning (a file that ends early, damaged data) is an error here. The
// orientation in EXIF data is ignored.
absl::StatusOr<Image> DecodeJpeg(absl::string_view bytes, const ImageLimits& limits);

}  // namespace tweedie

#endif  // TWEEDIE_IMAGING_JPEG_DECODER_H_
