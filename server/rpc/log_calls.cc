#include "server/rpc/log_calls.h"

#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "server/log/logging.h"

namespace tweedie {

absl::StatusOr<v1::SetLogLevelResponse> SetLogLevel(const v1::SetLogLevelRequest& request) {
  constexpr size_t kShown = 32;
  const std::optional<std::string> before = tweedie::SetLogLevel(request.level());
  if (!before.has_value()) {
    return FieldError("level",
                      absl::StrCat("must be one of ", absl::StrJoin(kLogLevels, ", "), "; was \"",
                                   absl::CHexEscape(request.level().substr(0, kShown)), "\""));
  }
  v1::SetLogLevelResponse response;
  response.set_previous_level(*before);
  return response;
}

}  // namespace tweedie
