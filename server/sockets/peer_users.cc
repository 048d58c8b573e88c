#include "server/sockets/peer_users.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/file.h"

namespace tweedie {
namespace {

// What the kernel says of users that this namespace has no number for.
constexpr uid_t kNobody = 65534;

// Of an open socket; 0 if `fd` is not open, or is something else.
ino_t SocketAt(int fd) {
  struct stat info = {};
  return fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

}  // namespace

absl::StatusOr<int> PeerUsers::Admit(int fd) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) return Admit(fd, peer.uid);
  const int error = errno;
  close(fd);
  return absl::InternalError(ErrnoError(error, "the user of", "a connection").message());
}

absl::StatusOr<int> PeerUsers::Admit(int fd, uid_t uid) {
  absl::MutexLock lock(&mu_);
  if (HasTooMany(uid)) {
    close(fd);
    return absl::ResourceExhaustedError(
        absl::StrCat("user ", uid, " has ", max_connections_, " connections already"));
  }
  while (IsAnothers(fd, uid)) {
    const int other = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
    const int error = errno;
    close(std::exchange(fd, other));
    if (fd < 0)
      return absl::ResourceExhaustedError(ErrnoError(error, "a copy of", "a connection").message());
  }
  owners_[fd] = {uid, SocketAt(fd)};
  return fd;
}

bool PeerUsers::HasTooMany(uid_t uid) const {
  int open = 0;
  for (const auto& [fd, owner] : owners_) {
    if (owner.uid == uid && SocketAt(fd) == owner.last) ++open;
  }
  return open >= max_connections_;
}

bool PeerUsers::IsAnothers(int fd, uid_t uid) const {
  const auto owner = owners_.find(fd);
  return owner != owners_.end() && owner->second.uid != uid;
}

std::optional<uid_t> PeerUsers::UidOf(absl::string_view peer) const {
  int fd = -1;
  if (!absl::ConsumePrefix(&peer, "fd:") || !absl::SimpleAtoi(peer, &fd)) return std::nullopt;
  absl::MutexLock lock(&mu_);
  const auto owner = owners_.find(fd);
  if (owner == owners_.end() || owner->second.uid == kNobody) return std::nullopt;
  return owner->second.uid;
}

}  // namespace tweedie
