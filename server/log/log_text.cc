#include "server/log/log_text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/utf8.h"

namespace tweedie {
namespace {

// The bytes of the character that begins with `first`, in well-formed UTF-8.
size_t LengthOf(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

uint32_t CodePoint(absl::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first;
  uint32_t code = first & (0x7fU >> character.size());
  for (const char c : character.substr(1)) code = (code << 6) | (static_cast<uint8_t>(c) & 0x3fU);
  return code;
}

bool IsDirectionMark(uint32_t code) {
  return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool IsUnsafe(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
         IsDirectionMark(code);
}

std::string Escaped(uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code < 0x100 ? absl::StrFormat("\\x%02x", code) : absl::StrFormat("\\u%04x", code);
  }
}

bool IsPlain(char c) {
  return absl::ascii_isalnum(c) || absl::string_view("_.:/@+-").find(c) != absl::string_view::npos;
}

}  // namespace

std::string EscapeLogText(absl::string_view text) {
  const std::string utf8 = ToUtf8(text);
  std::string escaped;
  for (absl::string_view rest = utf8; !rest.empty();) {
    const absl::string_view character = rest.substr(0, LengthOf(rest[0]));
    const uint32_t code = CodePoint(character);
    absl::StrAppend(&escaped, IsUnsafe(code) ? Escaped(code) : std::string(character));
    rest.remove_prefix(character.size());
  }
  return escaped;
}

std::string LogValue(absl::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), IsPlain)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return EscapeLogText(quoted += '"');
}

}  // namespace tweedie
