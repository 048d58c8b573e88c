#include "server/http/request_stream.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "core/base/clock.h"

namespace tweedie {
namespace {

// Whatever the time of day is set to.
absl::Time Now() { return Clock::Real()->Steady(); }

using NameOf = int(int, sockaddr*, socklen_t*);

// Leaves both as they are if the connection is gone.
void Tell(int fd, NameOf name_of, std::string& ip, int& port) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (name_of(fd, address, &size) != 0 ||
      getnameinfo(address, size, host, sizeof(host), service, sizeof(service),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  ip = host;
  (void)absl::SimpleAtoi(service, &port);
}

}  // namespace

RequestStream::RequestStream(std::unique_ptr<Connection> connection, const Bounds& bounds)
    : connection_(std::move(connection)), bounds_(bounds) {}

// Waits for one of `events`, or the connection's end. False at the deadline, or after
// the patience.
bool RequestStream::Await(short events, absl::Time deadline) const {
  pollfd one = {connection_->fd(), events, 0};
  deadline = std::min(deadline, Now() + bounds_.patience);
  while (true) {
    const absl::Duration left = std::max(deadline - Now(), absl::ZeroDuration());
    const int found = poll(&one, 1, static_cast<int>(absl::ToInt64Milliseconds(left)));
    if (found > 0) return true;
    if (found == 0 || errno != EINTR) return false;
  }
}

bool RequestStream::AwaitRequest(absl::Duration timeout) {
  if (begin_ == end_ && !Fill(Now() + timeout)) return false;
  allowed_ = bounds_.head_bytes;
  deadline_ = Now() + bounds_.head_time;
  return true;
}

void RequestStream::AllowBody(size_t bytes) {
  allowed_ = bytes;
  deadline_ = Now() + TimeOf(bytes);
}

bool RequestStream::Fill(absl::Time deadline) {
  while (true) {
    const Connection::Step step = connection_->Read(buffer_.data(), buffer_.size());
    begin_ = 0;
    end_ = step.bytes;
    if (step.bytes > 0) return true;
    if (step.wait_for == 0 || !Await(step.wait_for, deadline)) return false;
  }
}

absl::Duration RequestStream::TimeOf(size_t bytes) const {
  return bounds_.patience +
         absl::Seconds(static_cast<int64_t>(bytes) / bounds_.least_bytes_per_second);
}

bool RequestStream::is_readable() const { return begin_ < end_ || Await(POLLIN, deadline_); }

bool RequestStream::is_writable() const {
  pollfd end = {connection_->fd(), POLLRDHUP, 0};
  return Await(POLLOUT, absl::InfiniteFuture()) && poll(&end, 1, 0) == 0;
}

ssize_t RequestStream::read(char* to, size_t size) {
  if (allowed_ == 0 || (begin_ == end_ && !Fill(deadline_))) {
    has_failed_ = true;
    return -1;
  }
  const size_t bytes = std::min({size, end_ - begin_, allowed_});
  std::memcpy(to, buffer_.data() + begin_, bytes);
  begin_ += bytes;
  allowed_ -= bytes;
  return static_cast<ssize_t>(bytes);
}

ssize_t RequestStream::write(const char* from, size_t size) {
  const absl::Time deadline = Now() + TimeOf(size);
  for (size_t written = 0; written < size;) {
    const Connection::Step step = connection_->Write(from + written, size - written);
    written += step.bytes;
    if (step.bytes > 0) continue;
    if (step.wait_for == 0 || !Await(step.wait_for, deadline)) return -1;
  }
  return static_cast<ssize_t>(size);
}

void RequestStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  Tell(connection_->fd(), getpeername, ip, port);
}

void RequestStream::get_local_ip_and_port(std::string& ip, int& port) const {
  Tell(connection_->fd(), getsockname, ip, port);
}

}  // namespace tweedie
