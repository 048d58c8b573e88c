#ifndef TWEEDIE_CLIENT_CLI_PLAIN_TEXT_H_
#define TWEEDIE_CLIENT_CLI_PLAIN_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie::cli {

// UTF-8 text of anybody as a terminal may be given it: control characters, which it
// would obey, are written as `\x1b`. Line ends stay.
std::string PlainText(absl::string_view text);

// Likewise, for what must stay one line: line ends are written so too.
std::string PlainLine(absl::string_view text);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PLAIN_TEXT_H_
