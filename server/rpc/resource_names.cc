#include "server/rpc/resource_names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"

namespace tweedie {
namespace {

bool IsJobCharacter(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-'; }
bool IsModelCharacter(char c) { return IsJobCharacter(c) || c == '.' || c == '_'; }

absl::StatusOr<std::string> ParseName(absl::string_view name, absl::string_view collection,
                                      bool (*is_character)(char)) {
  const std::string prefix = absl::StrCat(collection, "/");
  absl::string_view id = name;
  const bool well_formed = absl::StartsWith(name, prefix) &&
                           (id.remove_prefix(prefix.size()), !id.empty()) && id.size() <= 63 &&
                           std::all_of(id.begin(), id.end(), is_character);
  if (well_formed) return std::string(id);
  return FieldError("name",
                    absl::StrCat("must be ", prefix, "ID; was '", name.substr(0, 100), "'"));
}

}  // namespace

absl::StatusOr<std::string> ParseJobName(absl::string_view name) {
  return ParseName(name, "jobs", IsJobCharacter);
}

absl::StatusOr<std::string> ParseModelName(absl::string_view name) {
  return ParseName(name, "models", IsModelCharacter);
}

}  // namespace tweedie
