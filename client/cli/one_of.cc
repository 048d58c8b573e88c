#include "client/cli/one_of.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/nearest.h"

namespace tweedie::cli {

CLI::Validator OneOf(std::vector<std::string> choices) {
  const std::string description = absl::StrCat("{", absl::StrJoin(choices, ","), "}");
  const auto check = [choices = std::move(choices)](std::string& text) -> std::string {
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return "";
    const std::string meant = DidYouMean(text, choices);
    return absl::StrCat("must be one of ", absl::StrJoin(choices, ", "), "; was '", text, "'",
                        meant);
  };
  return CLI::Validator(check, description);
}

std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.rfind(":{");
  if (open == std::string::npos || type.back() != '}') return {};
  return absl::StrSplit(type.substr(open + 2, type.size() - open - 3), ',');
}

}  // namespace tweedie::cli
