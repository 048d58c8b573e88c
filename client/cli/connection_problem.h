#ifndef TWEEDIE_CLIENT_CLI_CONNECTION_PROBLEM_H_
#define TWEEDIE_CLIENT_CLI_CONNECTION_PROBLEM_H_

#include <string>

#include "absl/status/status.h"
#include "net/channel.h"

namespace tweedie::cli {

// What stands in the way of TLS, or is amiss without it, found by one more connection by
// OpenSSL, which says what gRPC does not: an authority that is not known, a certificate
// that is out of date or of another host, a server that speaks TLS where none is spoken,
// or the other way round, or that wants a certificate. Empty if nothing is found, as
// where nobody listens. Sends nothing but a handshake. Blocks for some seconds at most.
std::string FindTlsProblem(const ChannelOptions& options);

// `error`, or UNAUTHENTICATED with what FindTlsProblem() says.
absl::Status ExplainNoConnection(const ChannelOptions& options, const absl::Status& error);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_CONNECTION_PROBLEM_H_
