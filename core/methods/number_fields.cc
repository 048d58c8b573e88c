#include "core/methods/number_fields.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"

namespace tweedie {
namespace {

absl::Status Check(absl::string_view field, bool good, absl::string_view what, double value) {
  if (good) return absl::OkStatus();
  return FieldError(field, absl::StrCat("must be ", what, "; was ", value));
}

}  // namespace

absl::Status CheckAboveZero(absl::string_view field, double value) {
  return Check(field, std::isfinite(value) && value > 0, "above 0", value);
}

absl::Status CheckAtLeastZero(absl::string_view field, double value) {
  return Check(field, std::isfinite(value) && value >= 0, "at least 0", value);
}

absl::Status CheckInUnitInterval(absl::string_view field, double value) {
  return Check(field, value >= 0 && value <= 1, "in [0, 1]", value);
}

absl::Status CheckCount(absl::string_view field, int value) {
  return Check(field, value >= 0, "at least 0", value);
}

}  // namespace tweedie
