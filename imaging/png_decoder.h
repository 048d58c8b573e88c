#ifndef TWEEDIE_IMAGING_PNG_DECODER_H_
#define TWEEDIE_IMAGING_PNG_DECODER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "imaging/image.h"

namespace tweedie {

// Decodes a PNG file, as DecodeImage() says. Gamma and colour profiles are
// ignored: samples are returned as they are stored. A palette gives RGB.
absl::StatusOr<Image> DecodePng(absl::string_view bytes, const ImageLimits& limits);

}  // namespace tweedie

#endif  // TWEEDIE_IMAGING_PNG_DECODER_H_
