#ifndef TWEEDIE_TESTS_TESTING_FREE_PORT_H_
#define TWEEDIE_TESTS_TESTING_FREE_PORT_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tweedie {

// A port of the IPv4 loopback that was free a moment ago, for programs that cannot say
// which they picked.
inline int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_FREE_PORT_H_
