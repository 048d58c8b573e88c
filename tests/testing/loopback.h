#ifndef TWEEDIE_TESTS_TESTING_LOOPBACK_H_
#define TWEEDIE_TESTS_TESTING_LOOPBACK_H_

#include <netinet/in.h>

#include <cstdint>

namespace tweedie {

// 127.0.0.1:`port`.
inline sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_LOOPBACK_H_
