#ifndef TWEEDIE_SERVER_RPC_LISTEN_ADDRESSES_H_
#define TWEEDIE_SERVER_RPC_LISTEN_ADDRESSES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The path of "unix:PATH" or "unix:///PATH"; empty for other addresses.
std::string UnixPathOf(absl::string_view address);

// INVALID_ARGUMENT unless `address` is HOST:PORT with a port up to 65535: gRPC would take a larger
// one modulo 65536.
absl::Status CheckHostAndPort(const std::string& address);

// The addresses in numbers that `address`, HOST:PORT, stands for; itself if HOST is in
// numbers. One alone for port 0, since each would get a port of its own. INVALID_ARGUMENT
// if it has another form, FAILED_PRECONDITION if the name is not known.
absl::StatusOr<std::vector<std::string>> InNumbers(const std::string& address);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_LISTEN_ADDRESSES_H_
