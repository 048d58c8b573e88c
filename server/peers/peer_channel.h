#ifndef TWEEDIE_SERVER_PEERS_PEER_CHANNEL_H_
#define TWEEDIE_SERVER_PEERS_PEER_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/tls/certificates.h"

namespace tweedie {

// How a server speaks to the others of its queue.
struct PeerSecurity {
  // Its own certificates, if it has TLS: the others have it too then, and are shown its
  // certificate where clients must show one. May be null. Outlives the channels.
  const Certificates* certificates = nullptr;
  std::string ca_file;     // authorities of the others' certificates; the system's if empty
  std::string token_file;  // of what is shown to them; none if empty
};

// A channel to the server at `address`, by what the files hold now. The errors of
// MakeChannel(), and of reading the files.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakePeerChannel(const PeerSecurity& security,
                                                               const std::string& address);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_PEERS_PEER_CHANNEL_H_
