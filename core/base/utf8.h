#ifndef TWEEDIE_CORE_BASE_UTF8_H_
#define TWEEDIE_CORE_BASE_UTF8_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

// `text` with every byte that is not part of well-formed UTF-8 (RFC 3629), and
// every NUL, replaced by U+FFFD: what protobuf and databases take as text.
std::string ToUtf8(absl::string_view text);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_UTF8_H_
