#include "server/sockets/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr int kBacklog = 512;

absl::Status CannotListen(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("cannot listen on unix:", path, ": ", why));
}

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int NewSocket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

template <int (*call)(int, const sockaddr*, socklen_t)>
bool Succeeds(int fd, const std::string& path) {
  const sockaddr_un address = AddressOf(path);
  return call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

// Nobody listens on the socket that `path` is.
bool IsStale(const std::string& path) {
  const int fd = NewSocket();
  const bool refused = fd >= 0 && !Succeeds<connect>(fd, path) && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

}  // namespace

std::string UnixPathOf(absl::string_view address) {
  if (!absl::ConsumePrefix(&address, "unix:")) return "";
  if (absl::StartsWith(address, "///")) address.remove_prefix(2);
  return std::string(address);
}

absl::StatusOr<std::unique_ptr<UnixSocket>> UnixSocket::Listen(const std::string& path,
                                                               mode_t mode) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("the path of a Unix socket has 1 to ",
                                                   sizeof(sockaddr_un::sun_path) - 1,
                                                   " bytes; was '", path, "'"));
  }
  const int fd = NewSocket();
  if (fd < 0) return CannotListen(path, std::strerror(errno));
  std::unique_ptr<UnixSocket> unix_socket(new UnixSocket(path, fd));
  RETURN_IF_ERROR(unix_socket->Bind());
  RETURN_IF_ERROR(unix_socket->Open(mode));
  return unix_socket;
}

absl::Status UnixSocket::Bind() {
  if (Succeeds<bind>(fd(), path_)) return absl::OkStatus();
  if (errno != EADDRINUSE) return CannotListen(path_, std::strerror(errno));
  struct stat info = {};
  if (lstat(path_.c_str(), &info) == 0 && !S_ISSOCK(info.st_mode)) {
    return CannotListen(path_, "there is a file that is no socket");
  }
  if (!IsStale(path_)) return CannotListen(path_, "a server listens on it");
  unlink(path_.c_str());
  return Succeeds<bind>(fd(), path_) ? absl::OkStatus() : CannotListen(path_, std::strerror(errno));
}

// Nobody can connect before listen(), so that the mode holds from the first on.
absl::Status UnixSocket::Open(mode_t mode) {
  struct stat info = {};
  if (lstat(path_.c_str(), &info) != 0) return CannotListen(path_, std::strerror(errno));
  file_ = info.st_ino;
  if (chmod(path_.c_str(), mode) != 0 || listen(fd(), kBacklog) != 0) {
    return CannotListen(path_, std::strerror(errno));
  }
  return absl::OkStatus();
}

UnixSocket::~UnixSocket() {
  struct stat info = {};
  const bool is_ours = file_ != 0 && lstat(path_.c_str(), &info) == 0 && info.st_ino == file_;
  if (is_ours) unlink(path_.c_str());
}

}  // namespace tweedie
