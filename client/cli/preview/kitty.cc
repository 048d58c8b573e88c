#include <algorithm>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cli/preview/encoders.h"

namespace tweedie::cli {

// https://sw.kovidgoyal.net/kitty/graphics-protocol: base64 in pieces of at most 4096
// characters, all but the last with m=1.
std::string EncodeKitty(absl::string_view png) {
  constexpr size_t kPiece = 4096;
  const std::string encoded = absl::Base64Escape(png);
  std::string text;
  for (size_t at = 0; at < encoded.size(); at += kPiece) {
    const bool is_last = at + kPiece >= encoded.size();
    // Draw it, a PNG file; say nothing back.
    absl::StrAppend(&text, "\x1b_G", at == 0 ? "a=T,f=100,q=2," : "", "m=", is_last ? 0 : 1, ";",
                    encoded.substr(at, kPiece), "\x1b\\");
  }
  return absl::StrCat(text, "\n");
}

}  // namespace tweedie::cli
