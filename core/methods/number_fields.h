#ifndef TWEEDIE_CORE_METHODS_NUMBER_FIELDS_H_
#define TWEEDIE_CORE_METHODS_NUMBER_FIELDS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// INVALID_ARGUMENT for `field` if `value` is not a number of the kind.
absl::Status CheckAboveZero(absl::string_view field, double value);    // finite
absl::Status CheckAtLeastZero(absl::string_view field, double value);  // finite
absl::Status CheckInUnitInterval(absl::string_view field, double value);
absl::Status CheckCount(absl::string_view field, int value);  // at least 0

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_NUMBER_FIELDS_H_
