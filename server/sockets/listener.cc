#include "server/sockets/listener.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/descriptors.h"
#include "core/base/thread_name.h"

namespace tweedie {
namespace {

// How long is waited where nothing can be accepted.
constexpr int kPauseMs = 100;
// Before other sockets, and the end, are looked at.
constexpr int kMostAtOnce = 64;

constexpr int kMostKept = 256;

// Errors of the connection that waited first, which is gone: see accept(2).
bool IsOfConnection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM:  // a firewall
      return true;
    default:
      return false;
  }
}

}  // namespace

int DescriptorsKept(int limit) { return std::min(kMostKept, limit / 4); }

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(std::vector<Source> sources) {
  const int stop = eventfd(0, EFD_CLOEXEC);
  if (stop < 0) return absl::FailedPreconditionError(absl::StrCat("eventfd: ", strerror(errno)));
  return std::unique_ptr<Listener>(new Listener(std::move(sources), stop));
}

Listener::Listener(std::vector<Source> sources, int stop)
    : sources_(std::move(sources)), stop_(stop), thread_([this] { Run(); }) {}

Listener::~Listener() {
  const uint64_t one = 1;
  while (write(stop_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  thread_.join();
  close(stop_);
}

void Listener::Run() {
  NameThisThread("acceptor");
  std::vector<pollfd> waiting = {{stop_, POLLIN, 0}};
  for (const Source& one : sources_) waiting.push_back({one.socket->fd(), POLLIN, 0});
  while (true) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;  // EINTR
    bool all_accept = true;
    for (size_t i = 0; i < sources_.size(); ++i) {
      if (waiting[i + 1].revents != 0 && !AcceptFrom(sources_[i])) all_accept = false;
    }
    if (!all_accept) poll(waiting.data(), 1, kPauseMs);
    if (waiting[0].revents != 0) return;
  }
}

bool Listener::AcceptFrom(const Source& source) {
  for (int i = 0; i < kMostAtOnce; ++i) {
    const int fd = accept4(source.socket->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Admit(source, fd);
    } else if (errno == EAGAIN) {
      return true;
    } else if (!IsOfConnection(errno)) {
      Refuse(source, absl::StrCat("cannot accept: ", std::strerror(errno)));
      return false;
    }
  }
  return true;
}

// A new descriptor has the least number that is free.
void Listener::Admit(const Source& source, int fd) {
  const int limit = DescriptorLimit();
  const int kept = DescriptorsKept(limit) / source.kept_divisor;
  if (fd >= limit - kept) {
    close(fd);
    return Refuse(source, absl::StrCat("of ", limit, " descriptors (ulimit -n), ", kept,
                                       " are kept for files"));
  }
  const absl::Status taken = source.on_connection(fd);
  if (!taken.ok()) return Refuse(source, taken.message());
  is_refusing_ = false;
}

void Listener::Refuse(const Source& source, absl::string_view why) {
  ++num_refused_;
  if (std::exchange(is_refusing_, true)) return;
  spdlog::warn("connections to {} are refused: {}", source.socket->address(), std::string(why));
}

}  // namespace tweedie
