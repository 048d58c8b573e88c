#ifndef TWEEDIE_NET_TOKEN_H_
#define TWEEDIE_NET_TOKEN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The bearer token that is the whole of `text`, but for white space around it: at most
// 4096 printable ASCII characters without a space. INVALID_ARGUMENT, which does not
// repeat the text, if it is none.
absl::StatusOr<std::string> ParseToken(absl::string_view text);

// Whether `mode` of a file (st_mode) lets others than its owner read it.
bool IsReadableByOthers(unsigned mode);

}  // namespace tweedie

#endif  // TWEEDIE_NET_TOKEN_H_
