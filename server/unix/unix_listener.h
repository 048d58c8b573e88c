#ifndef TWEEDIE_SERVER_UNIX_UNIX_LISTENER_H_
#define TWEEDIE_SERVER_UNIX_UNIX_LISTENER_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "server/unix/peer_users.h"
#include "server/unix/unix_socket.h"

namespace tweedie {

// Accepts the connections of Unix sockets, on a thread of its own, and notes whose they
// are: the user that the kernel says opened each.
class UnixListener {
 public:
  // Takes the descriptor of a connection, which does not block.
  using OnConnection = std::function<void(int fd)>;

  // `users` outlives the listener. FAILED_PRECONDITION if the process has no descriptor
  // left.
  static absl::StatusOr<std::unique_ptr<UnixListener>> Start(
      std::vector<std::unique_ptr<UnixSocket>> sockets, PeerUsers* users,
      OnConnection on_connection);
  // Closes the sockets, not the connections. No call of `on_connection` is on its way, or
  // begun, after that.
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

 private:
  UnixListener(std::vector<std::unique_ptr<UnixSocket>> sockets, PeerUsers* users,
               OnConnection on_connection, int stop);
  void Run();
  // Accepts what waits. False if the process has no descriptor left.
  bool AcceptFrom(const UnixSocket& from);
  void Admit(int fd);
  // Logs the first of several in a row.
  void Refuse(const std::string& why);

  const std::vector<std::unique_ptr<UnixSocket>> sockets_;
  PeerUsers* const users_;
  const OnConnection on_connection_;
  const int stop_;            // an eventfd
  bool is_refusing_ = false;  // of the thread
  std::thread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_UNIX_UNIX_LISTENER_H_
