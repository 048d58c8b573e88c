#ifndef TWEEDIE_SERVER_RPC_TRACEPARENT_H_
#define TWEEDIE_SERVER_RPC_TRACEPARENT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

inline constexpr char kTraceparentMetadata[] = "traceparent";

// The header `traceparent` of W3C Trace Context (https://www.w3.org/TR/trace-context/,
// level 1) in its version 00: `00-TRACE_ID-PARENT_ID-FLAGS`, 32, 16 and 2 lower-case
// hexadecimal digits, neither id zero. Of a later version what 00 knows of it is
// taken, as the recommendation says: the ids, and the flag `sampled`. Empty if
// `header` is malformed, which is to be ignored. Thread-safe.
std::string ReadTraceparent(absl::string_view header);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_TRACEPARENT_H_
