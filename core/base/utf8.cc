#include "core/base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace tweedie {
namespace {

// Of sequences that begin with the bytes from `first` to `last`: how long they
// are, and between what their second byte lies (RFC 3629, section 4).
struct Lead {
  uint8_t first, last;
  size_t length;
  uint8_t second_min, second_max;
};
constexpr Lead kLeads[] = {
    {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

uint8_t ByteAt(absl::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

bool Continues(absl::string_view text, const Lead& lead) {
  if (text.size() < lead.length) return false;
  for (size_t i = 1; i < lead.length; ++i) {
    const uint8_t min = i == 1 ? lead.second_min : 0x80;
    const uint8_t max = i == 1 ? lead.second_max : 0xbf;
    if (ByteAt(text, i) < min || ByteAt(text, i) > max) return false;
  }
  return true;
}

// Bytes of the character that `text` begins with; 0 if it begins with none.
size_t CharacterLength(absl::string_view text) {
  for (const Lead& lead : kLeads) {
    if (ByteAt(text, 0) < lead.first || ByteAt(text, 0) > lead.last) continue;
    return Continues(text, lead) ? lead.length : 0;
  }
  return 0;
}

}  // namespace

std::string ToUtf8(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    length > 0 ? result.append(text.data(), length) : result.append("\xef\xbf\xbd");
    text.remove_prefix(length > 0 ? length : 1);
  }
  return result;
}

}  // namespace tweedie
