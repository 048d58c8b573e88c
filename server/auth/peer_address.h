#ifndef TWEEDIE_SERVER_AUTH_PEER_ADDRESS_H_
#define TWEEDIE_SERVER_AUTH_PEER_ADDRESS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

// What guesses are counted by: the address of a peer without its port, as gRPC writes
// peers (`ipv4:10.0.0.1:5000`, `ipv6:%5Bfe80::1%5D:5000`, `unix:...`, `fd:9`) or bare. Of IPv6
// the first 64 bits, all of which one host has; an IPv4 address in IPv6 is that
// address; all Unix sockets are `unix`.
std::string AddressOfPeer(absl::string_view peer);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_PEER_ADDRESS_H_
