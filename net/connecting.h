#ifndef TWEEDIE_NET_CONNECTING_H_
#define TWEEDIE_NET_CONNECTING_H_

#include <grpcpp/channel.h>

#include <functional>

#include "absl/time/time.h"

namespace tweedie {

// Waits for `delay`, or until `is_cancelled`, and lets the channel connect meanwhile:
// gRPC 1.51 has no thread that polls for a client, so that a handshake that is begun
// between two calls would stand still, and time out.
void WaitWhileConnecting(grpc::Channel& channel, absl::Duration delay,
                         const std::function<bool()>& is_cancelled);

}  // namespace tweedie

#endif  // TWEEDIE_NET_CONNECTING_H_
