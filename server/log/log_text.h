#ifndef TWEEDIE_SERVER_LOG_LOG_TEXT_H_
#define TWEEDIE_SERVER_LOG_LOG_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

// `text` as it may stand in a line for people, whoever wrote it: bytes that are no
// UTF-8 become U+FFFD; control characters, line and paragraph separators, and marks
// that change the direction of writing become `\n`, `\x1b`, `\u2028`. Thread-safe.
std::string EscapeLogText(absl::string_view text);

// `text` as the value of `name=value`: as it is if it is of [A-Za-z0-9_.:/@+-] alone,
// otherwise in quotes, with `"` and `\` escaped as well.
std::string LogValue(absl::string_view text);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_LOG_LOG_TEXT_H_
