#ifndef TWEEDIE_SERVER_SOCKETS_UNIX_SOCKET_H_
#define TWEEDIE_SERVER_SOCKETS_UNIX_SOCKET_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/sockets/listening_socket.h"

namespace tweedie {

// The path of "unix:PATH" or "unix:///PATH"; empty for other addresses.
std::string UnixPathOf(absl::string_view address);

// A Unix socket with its file, which it removes at the end, unless another has taken its
// place.
class UnixSocket final : public ListeningSocket {
 public:
  // Makes the file with `mode`, and listens. The file of a server that is dead is
  // replaced. FAILED_PRECONDITION if a server listens on it, if it is no socket, or if it
  // cannot be made; INVALID_ARGUMENT if the path is empty or longer than 107 bytes.
  static absl::StatusOr<std::unique_ptr<UnixSocket>> Listen(const std::string& path, mode_t mode);
  ~UnixSocket() override;

 private:
  UnixSocket(const std::string& path, int fd)
      : ListeningSocket(absl::StrCat("unix:", path), fd), path_(path) {}
  absl::Status Bind();
  absl::Status Open(mode_t mode);

  const std::string path_;
  ino_t file_ = 0;  // 0: there is none of ours
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SOCKETS_UNIX_SOCKET_H_
