#ifndef TWEEDIE_CLIENT_CPP_UUID_H_
#define TWEEDIE_CLIENT_CPP_UUID_H_

#include <string>

namespace tweedie {

// A random UUID (RFC 4122, version 4) in lower case. Thread-safe.
std::string MakeUuid();

}  // namespace tweedie

#endif  // TWEEDIE_CLIENT_CPP_UUID_H_
