#ifndef TWEEDIE_SERVER_SOCKETS_LISTENING_SOCKET_H_
#define TWEEDIE_SERVER_SOCKETS_LISTENING_SOCKET_H_

#include <unistd.h>

#include <string>
#include <utility>

namespace tweedie {

// A socket that is listened on, and does not block. Closes it at the end.
class ListeningSocket {
 public:
  virtual ~ListeningSocket() { close(fd_); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  int fd() const { return fd_; }
  // For messages: unix:PATH, or HOST:PORT.
  const std::string& address() const { return address_; }

 protected:
  ListeningSocket(std::string address, int fd) : address_(std::move(address)), fd_(fd) {}

 private:
  const std::string address_;
  const int fd_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SOCKETS_LISTENING_SOCKET_H_
