#include "server/rpc/page_token.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/field_error.h"
#include "core/base/sha256.h"

namespace tweedie {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kLargestPageSize = 1000;

std::string Digest(absl::string_view query) { return Sha256Hex(query).substr(0, 16); }

}  // namespace

std::string MakePageToken(int64_t cursor, absl::string_view query) {
  return absl::WebSafeBase64Escape(absl::StrCat("1:", cursor, ":", Digest(query)));
}

absl::StatusOr<std::optional<int64_t>> ParsePageToken(absl::string_view token,
                                                      absl::string_view query) {
  if (token.empty()) return std::nullopt;
  std::string text;
  int64_t cursor = 0;
  if (absl::WebSafeBase64Unescape(token, &text)) {
    const std::vector<std::string> parts = absl::StrSplit(text, ':');
    if (parts.size() == 3 && parts[0] == "1" && absl::SimpleAtoi(parts[1], &cursor) &&
        parts[2] == Digest(query)) {
      return cursor;
    }
  }
  return FieldError("page_token", "must be the next_page_token of a call with the same filter");
}

absl::StatusOr<int> ResolvePageSize(int page_size) {
  if (page_size < 0) {
    return FieldError("page_size", absl::StrCat("must not be negative; was ", page_size));
  }
  return page_size == 0 ? kDefaultPageSize : std::min(page_size, kLargestPageSize);
}

}  // namespace tweedie
