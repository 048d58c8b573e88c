#ifndef TWEEDIE_CORE_BASE_SHA256_H_
#define TWEEDIE_CORE_BASE_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

// SHA-256 of `bytes` in lower-case hexadecimal. Thread-safe.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_SHA256_H_
