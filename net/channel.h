#ifndef TWEEDIE_NET_CHANNEL_H_
#define TWEEDIE_NET_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tweedie {

// Where a server is, and how to speak to it. What is PEM is the text, not a file.
struct ChannelOptions {
  std::string target;  // HOST:PORT, [IPV6]:PORT, or unix:PATH
  bool tls = false;    // not for Unix sockets
  // Of the authorities that the server's certificate must come from; the system's if
  // empty. The certificate must name HOST.
  std::string authorities;
  // Shown to a server that asks for one; both or none.
  std::string certificate;
  std::string key;
  // Sent with every call, as `authorization: Bearer TOKEN`; none if empty. A secret.
  std::string token;

  // How large messages may be is the server's to say (`ServerInfo`); -1: any.
  int max_message_bytes = -1;
  // A dead connection is noticed by a quiet stream after both. Servers allow a ping
  // every 30 s.
  absl::Duration keepalive = absl::Seconds(60);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  // Between two tries to connect.
  absl::Duration first_reconnect = absl::Milliseconds(100);
  absl::Duration max_reconnect = absl::Seconds(2);
};

// A channel that connects when it is first used. Calls on it are not tried again. It
// carries 128 streams at once, which is what servers allow a connection; further ones
// wait. INVALID_ARGUMENT for bad PEM; TLS to a Unix socket; or a token without TLS to
// what may be another machine: it would be readable on its way, so nothing is sent.
// Destroy it on the thread that made it, never in a callback of gRPC (grpc#37198).
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options);

}  // namespace tweedie

#endif  // TWEEDIE_NET_CHANNEL_H_
