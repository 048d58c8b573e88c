#include "core/base/problem_list.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tweedie {
namespace {

constexpr size_t kMaxListed = 10;

}  // namespace

void ProblemList::Add(absl::string_view name, absl::string_view detail) {
  if (++count_ > kMaxListed) return;
  shown_.push_back(absl::StrCat(absl::Utf8SafeCEscape(name), detail));
}

std::string ProblemList::ToString() const {
  const std::string more =
      count_ > kMaxListed ? absl::StrCat(" and ", count_ - kMaxListed, " more") : "";
  return absl::StrCat(kind_, ": ", absl::StrJoin(shown_, ", "), more);
}

std::string ProblemList::Describe(const std::vector<const ProblemList*>& lists) {
  std::vector<std::string> texts;
  for (const ProblemList* list : lists) {
    if (list->count_ > 0) texts.push_back(list->ToString());
  }
  return absl::StrJoin(texts, "; ");
}

}  // namespace tweedie
