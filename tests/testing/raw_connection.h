#ifndef TWEEDIE_TESTS_TESTING_RAW_CONNECTION_H_
#define TWEEDIE_TESTS_TESTING_RAW_CONNECTION_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "absl/strings/string_view.h"
#include "tests/testing/loopback.h"

namespace tweedie {

// A connection to a port of 127.0.0.1, of which each byte is the test's.
class RawConnection {
 public:
  explicit RawConnection(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in to = Loopback(port);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  ~RawConnection() { close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // False once the peer takes nothing more.
  bool Send(absl::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // What is there, once something is; empty at the end.
  std::string Receive() const {
    char part[4096];
    const ssize_t received = recv(fd_, part, sizeof(part), 0);
    return {part, static_cast<size_t>(received > 0 ? received : 0)};
  }
  // All that comes until the peer ends the connection.
  std::string ReceiveAll() const {
    std::string all;
    for (std::string part = Receive(); !part.empty(); part = Receive()) all += part;
    return all;
  }
  // Whether something comes, or the end, in so long.
  bool HearsWithin(int milliseconds) const {
    pollfd one = {fd_, POLLIN, 0};
    return poll(&one, 1, milliseconds) == 1;
  }

 private:
  const int fd_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_RAW_CONNECTION_H_
