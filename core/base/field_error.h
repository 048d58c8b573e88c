#ifndef TWEEDIE_CORE_BASE_FIELD_ERROR_H_
#define TWEEDIE_CORE_BASE_FIELD_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Errors that belong to one field of a request or of a configuration. The
// field's path travels in the status beside the message, and grows at its front
// as the error rises: `eta` -> `process.eta` -> `job.sample.process.eta`.

// Returns INVALID_ARGUMENT for `field`. `problem` says what must hold and what
// was met, without the field's name: `must be in [0, 1]; was 2`.
absl::Status FieldError(absl::string_view field, absl::string_view problem);

// Returns `status` with `prefix` put before its field's path, joined by a dot.
// OK and errors without a field come back unchanged.
absl::Status InField(absl::string_view prefix, const absl::Status& status);

// Returns the path of the field that `status` is about, or nullopt.
std::optional<std::string> FieldOf(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_FIELD_ERROR_H_
