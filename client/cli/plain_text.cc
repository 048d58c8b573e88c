#include "client/cli/plain_text.h"

#include <cstddef>

#include "absl/strings/str_format.h"

namespace tweedie::cli {
namespace {

// The control character that `text` begins with, C1 among them; -1 if it is none.
int LeadingControl(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return byte(0);
  const bool is_c1 = byte(0) == 0xc2 && text.size() > 1 && byte(1) >= 0x80 && byte(1) < 0xa0;
  return is_c1 ? byte(1) : -1;
}

std::string Escape(absl::string_view text, bool keep_line_ends) {
  std::string plain;
  while (!text.empty()) {
    const int control = LeadingControl(text);
    if (control < 0 || (control == '\n' && keep_line_ends)) {
      plain.push_back(text.front());
      text.remove_prefix(1);
    } else {
      absl::StrAppendFormat(&plain, "\\x%02x", control);
      text.remove_prefix(control < 0x80 ? 1 : 2);
    }
  }
  return plain;
}

}  // namespace

std::string PlainText(absl::string_view text) { return Escape(text, /*keep_line_ends=*/true); }

std::string PlainLine(absl::string_view text) { return Escape(text, /*keep_line_ends=*/false); }

}  // namespace tweedie::cli
