#include "net/token.h"

#include <sys/stat.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

constexpr size_t kMaxTokenBytes = 4096;

}  // namespace

absl::StatusOr<std::string> ParseToken(absl::string_view text) {
  const absl::string_view token = absl::StripAsciiWhitespace(text);
  if (token.empty()) return absl::InvalidArgumentError("holds no token");
  if (token.size() > kMaxTokenBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds no token: longer than ", kMaxTokenBytes, " bytes"));
  }
  if (!std::all_of(token.begin(), token.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError("holds no token: a token is one word of ASCII characters");
  }
  return std::string(token);
}

bool IsReadableByOthers(unsigned mode) { return (mode & (S_IRGRP | S_IROTH)) != 0; }

}  // namespace tweedie
