#ifndef TWEEDIE_CORE_METHODS_METHOD_NEEDS_H_
#define TWEEDIE_CORE_METHODS_METHOD_NEEDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/operators/measurement.h"

namespace tweedie {

// What of a measurement decides which methods can serve it.
struct MeasurementTraits {
  bool inpainting = false;
  bool linear = false;
  bool spectrum = false;     // its operator has one
  bool noisy = false;        // by its noise model, whatever its images are
  bool image_shape = false;  // y has the image's shape
};

MeasurementTraits TraitsOf(const MeasurementSpec& spec, const Measurement& measurement,
                           const ImageShape3& image_shape);

// The methods, by their fields in `Job.task`, that can serve such a measurement.
std::vector<std::string> MethodsFor(const MeasurementTraits& traits);

// INVALID_ARGUMENT (`measurement.forward_operator`), naming the methods that can,
// if `method`, one of `sdedit`, `ald`, `dps`, `ddnm`, `ddrm`, `pigdm`, `diffpir`,
// `reddiff` and `repaint`, cannot serve the measurement.
absl::Status CheckServes(absl::string_view method, const MeasurementSpec& spec,
                         const Measurement& measurement, const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_METHOD_NEEDS_H_
