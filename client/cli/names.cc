#include "client/cli/names.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tweedie::cli {
namespace {

std::string WithCollection(absl::string_view collection, absl::string_view text) {
  return absl::StartsWith(text, collection) ? std::string(text) : absl::StrCat(collection, text);
}

}  // namespace

std::string JobName(absl::string_view text) { return WithCollection("jobs/", text); }

std::string ModelName(absl::string_view text) { return WithCollection("models/", text); }

}  // namespace tweedie::cli
