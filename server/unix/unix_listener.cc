#include "server/unix/unix_listener.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/thread_name.h"

namespace tweedie {
namespace {

// How long is waited for a descriptor where there is none.
constexpr int kPauseMs = 100;
// Before other sockets, and the end, are looked at.
constexpr int kMostAtOnce = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<UnixListener>> UnixListener::Start(
    std::vector<std::unique_ptr<UnixSocket>> sockets, PeerUsers* users,
    OnConnection on_connection) {
  const int stop = eventfd(0, EFD_CLOEXEC);
  if (stop < 0) return absl::FailedPreconditionError(absl::StrCat("eventfd: ", strerror(errno)));
  return std::unique_ptr<UnixListener>(
      new UnixListener(std::move(sockets), users, std::move(on_connection), stop));
}

UnixListener::UnixListener(std::vector<std::unique_ptr<UnixSocket>> sockets, PeerUsers* users,
                           OnConnection on_connection, int stop)
    : sockets_(std::move(sockets)),
      users_(users),
      on_connection_(std::move(on_connection)),
      stop_(stop),
      thread_([this] { Run(); }) {}

UnixListener::~UnixListener() {
  const uint64_t one = 1;
  while (write(stop_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  thread_.join();
  close(stop_);
}

void UnixListener::Run() {
  NameThisThread("unix sockets");
  std::vector<pollfd> waiting = {{stop_, POLLIN, 0}};
  for (const auto& one : sockets_) waiting.push_back({one->fd(), POLLIN, 0});
  while (true) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;  // EINTR
    bool had_room = true;
    for (size_t i = 0; i < sockets_.size(); ++i) {
      if (waiting[i + 1].revents != 0 && !AcceptFrom(*sockets_[i])) had_room = false;
    }
    if (!had_room) poll(waiting.data(), 1, kPauseMs);
    if (waiting[0].revents != 0) return;
  }
}

bool UnixListener::AcceptFrom(const UnixSocket& from) {
  for (int i = 0; i < kMostAtOnce; ++i) {
    const int fd = accept4(from.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Admit(fd);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      if (errno == EAGAIN) return true;
      Refuse(absl::StrCat("unix:", from.path(), ": cannot accept: ", std::strerror(errno)));
      return false;
    }
  }
  return true;
}

void UnixListener::Admit(int fd) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    Refuse(absl::StrCat("a connection without a user: ", std::strerror(errno)));
    close(fd);
    return;
  }
  const absl::StatusOr<int> admitted = users_->Admit(fd, peer.uid);
  if (!admitted.ok()) return Refuse(std::string(admitted.status().message()));
  is_refusing_ = false;
  on_connection_(*admitted);
}

void UnixListener::Refuse(const std::string& why) {
  if (!std::exchange(is_refusing_, true)) spdlog::warn("a connection is refused: {}", why);
}

}  // namespace tweedie
