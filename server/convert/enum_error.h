#ifndef TWEEDIE_SERVER_CONVERT_ENUM_ERROR_H_
#define TWEEDIE_SERVER_CONVERT_ENUM_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// INVALID_ARGUMENT for an enum `field` whose value this version does not know;
// `names` are those that it knows.
absl::Status UnknownValue(absl::string_view field, absl::string_view names, int value);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_ENUM_ERROR_H_
