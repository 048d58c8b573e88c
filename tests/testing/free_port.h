#ifndef TWEEDIE_TESTS_TESTING_FREE_PORT_H_
#define TWEEDIE_TESTS_TESTING_FREE_PORT_H_

#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "tests/testing/loopback.h"

namespace tweedie {

inline bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return bound;
}

// A port of the IPv4 loopback that was free a moment ago, for programs that cannot say
// which they picked. Below those that Linux gives to connections and to port 0 (from
// 32768): one of these may be any other program's by the time it is used.
inline int FreePort() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(20000, 32767);
  for (;;) {
    if (const int port = ports(random); IsFree(port)) return port;
  }
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_FREE_PORT_H_
