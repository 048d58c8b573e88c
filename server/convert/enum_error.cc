#include "server/convert/enum_error.h"

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"

namespace tweedie {

absl::Status UnknownValue(absl::string_view field, absl::string_view names, int value) {
  return FieldError(field, absl::StrCat("must be one of ", names, "; was ", value));
}

}  // namespace tweedie
