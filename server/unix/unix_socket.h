#ifndef TWEEDIE_SERVER_UNIX_UNIX_SOCKET_H_
#define TWEEDIE_SERVER_UNIX_UNIX_SOCKET_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tweedie {

// A Unix socket that is listened on, with its file. Closes it and removes the file when
// it ends, unless another has taken its place.
class UnixSocket {
 public:
  // Makes the file with `mode`, and listens. The file of a server that is dead is
  // replaced. FAILED_PRECONDITION if a server listens on it, if it is no socket, or if it
  // cannot be made; INVALID_ARGUMENT if the path is empty or longer than 107 bytes.
  static absl::StatusOr<std::unique_ptr<UnixSocket>> Listen(const std::string& path, mode_t mode);
  ~UnixSocket();
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }

 private:
  UnixSocket(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  absl::Status Bind();
  absl::Status Open(mode_t mode);

  const std::string path_;
  const int fd_;
  ino_t file_ = 0;  // 0: there is none of ours
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_UNIX_UNIX_SOCKET_H_
