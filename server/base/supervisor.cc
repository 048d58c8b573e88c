#include "server/base/supervisor.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

constexpr char kVariable[] = "NOTIFY_SOCKET";

}  // namespace

absl::StatusOr<Supervisor> Supervisor::FromEnvironment() {
  const char* value = std::getenv(kVariable);
  const std::string socket = value == nullptr ? "" : value;
  unsetenv(kVariable);
  const bool is_known = socket.empty() || socket[0] == '/' || socket[0] == '@';
  if (!is_known || socket.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(kVariable, " must be a path or @NAME of at most ",
                     sizeof(sockaddr_un::sun_path) - 1, " bytes; was '", socket, "'"));
  }
  return Supervisor(socket);
}

void Supervisor::Ready(absl::string_view status) const {
  Send(absl::StrCat("READY=1\nSTATUS=", status));
}

void Supervisor::Send(absl::string_view message) const {
  if (socket_.empty()) return;
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  constexpr timeval kLongest = {1, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &kLongest, sizeof(kLongest));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(socket_.begin(), socket_.end(), address.sun_path);
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
  close(descriptor);
}

}  // namespace tweedie
