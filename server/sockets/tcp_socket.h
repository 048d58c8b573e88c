#ifndef TWEEDIE_SERVER_SOCKETS_TCP_SOCKET_H_
#define TWEEDIE_SERVER_SOCKETS_TCP_SOCKET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/sockets/listening_socket.h"

namespace tweedie {

// All that one HOST:PORT stands for.
struct TcpSockets {
  std::vector<std::unique_ptr<ListeningSocket>> sockets;  // at least one
  int port = 0;                                           // of all of them
};

// Listens on the addresses of a name, or on the one in numbers; 0.0.0.0 and [::] are all
// addresses of this machine, of IPv4 and of IPv6. Port 0 picks a free one. Connections end
// whose bytes nobody acknowledges for `user_timeout` (TCP_USER_TIMEOUT). Addresses of a
// name that this machine does not have are left out. INVALID_ARGUMENT for other forms,
// FAILED_PRECONDITION if an address is in use, or there is none.
absl::StatusOr<TcpSockets> ListenOnTcp(const std::string& address, absl::Duration user_timeout);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SOCKETS_TCP_SOCKET_H_
