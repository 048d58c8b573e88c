#include "server/rpc/traceparent.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

constexpr size_t kLength = 55;  // of version 00; of later ones at least
constexpr absl::string_view kZeros = "00000000000000000000000000000000";

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); });
}

bool IsId(absl::string_view text) { return IsHex(text) && text != kZeros.substr(0, text.size()); }

bool IsSampled(absl::string_view flags) {
  const char low = flags[1];
  const int digit = absl::ascii_isdigit(low) ? low - '0' : low - 'a' + 10;
  return digit % 2 == 1;
}

}  // namespace

std::string ReadTraceparent(absl::string_view header) {
  if (header.size() < kLength) return "";
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return "";
  const absl::string_view version = header.substr(0, 2);
  const absl::string_view ids = header.substr(2, 51);  // with the dashes around them
  const absl::string_view flags = header.substr(53, 2);
  if (!IsHex(version) || version == "ff" || !IsHex(flags)) return "";
  if (!IsId(header.substr(3, 32)) || !IsId(header.substr(36, 16))) return "";
  if (version == "00") return header.size() == kLength ? std::string(header) : "";
  if (header.size() > kLength && header[kLength] != '-') return "";
  return absl::StrCat("00", ids, IsSampled(flags) ? "01" : "00");
}

}  // namespace tweedie
