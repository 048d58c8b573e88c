#include "server/sockets/tcp_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "net/target.h"

namespace tweedie {
namespace {

// A port that was picked for one address may be taken at the next.
constexpr int kMostPicks = 16;

// In numbers, with the port 0.
struct Address {
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool operator==(const Address& other) const {
    return size == other.size && std::memcmp(&storage, &other.storage, size) == 0;
  }

  sockaddr_storage storage = {};
  socklen_t size = 0;
};

sockaddr_in& V4(Address& address) { return reinterpret_cast<sockaddr_in&>(address.storage); }
sockaddr_in6& V6(Address& address) { return reinterpret_cast<sockaddr_in6&>(address.storage); }

bool IsWildcard(Address address) {
  return address.family() == AF_INET ? V4(address).sin_addr.s_addr == htonl(INADDR_ANY)
                                     : IN6_IS_ADDR_UNSPECIFIED(&V6(address).sin6_addr) != 0;
}

Address AnyOf(sa_family_t family) {
  Address any;
  any.storage.ss_family = family;
  any.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  return any;
}

Address WithPort(Address address, int port) {
  const auto number = htons(static_cast<uint16_t>(port));
  (address.family() == AF_INET ? V4(address).sin_port : V6(address).sin6_port) = number;
  return address;
}

absl::Status CannotListen(absl::string_view address, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", address, ": ", why));
}

// What getaddrinfo() finds; its error as text.
absl::StatusOr<std::vector<Address>> Find(const std::string& host, int flags) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return absl::NotFoundError(gai_strerror(error));
  std::vector<Address> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Address address;
    address.size = one->ai_addrlen;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    const bool is_known = std::find(addresses.begin(), addresses.end(), address) != addresses.end();
    if (!is_known) addresses.push_back(address);
  }
  freeaddrinfo(found);
  return addresses;
}

absl::StatusOr<std::vector<Address>> Resolve(const std::string& host) {
  absl::StatusOr<std::vector<Address>> numbers = Find(host, AI_NUMERICHOST);
  if (numbers.ok()) return numbers;
  return Find(host, AI_ADDRCONFIG);  // no loopback of IPv6 where there is no IPv6
}

class TcpSocket final : public ListeningSocket {
 public:
  TcpSocket(const std::string& address, int fd) : ListeningSocket(address, fd) {}

  // 0, or errno.
  int Listen(const Address& address, absl::Duration user_timeout) const {
    Set(SOL_SOCKET, SO_REUSEADDR, 1);  // as soon as the server before has ended
    Set(IPPROTO_TCP, TCP_NODELAY, 1);
    Set(IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(absl::ToInt64Milliseconds(user_timeout)));
    if (address.family() == AF_INET6) Set(IPPROTO_IPV6, IPV6_V6ONLY, IsWildcard(address) ? 0 : 1);
    const bool listens =
        bind(fd(), address.get(), address.size) == 0 && listen(fd(), SOMAXCONN) == 0;
    return listens ? 0 : errno;
  }

  int port() const {
    Address bound = {{}, sizeof(sockaddr_storage)};
    getsockname(fd(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
    return ntohs(bound.family() == AF_INET ? V4(bound).sin_port : V6(bound).sin6_port);
  }

 private:
  // Connections inherit it.
  void Set(int level, int option, int value) const {
    setsockopt(fd(), level, option, &value, sizeof(value));
  }
};

// Whether errno says that this machine has no such address.
bool IsElsewhere(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

// Listens on HOST:PORT, `addresses` being what HOST stands for.
class Attempt {
 public:
  Attempt(std::string name, absl::Duration user_timeout)
      : name_(std::move(name)), user_timeout_(user_timeout) {}

  absl::StatusOr<TcpSockets> All(const std::vector<Address>& addresses, int port) {
    TcpSockets all{{}, port};
    error_ = EADDRNOTAVAIL;
    for (const Address& address : addresses) {
      auto one = One(WithPort(address, all.port));
      if (one == nullptr && IsElsewhere(error_)) continue;
      if (one == nullptr) return Failure();
      all.port = one->port();
      all.sockets.push_back(std::move(one));
    }
    if (all.sockets.empty()) return Failure();
    return all;
  }
  int error() const { return error_; }  // of the last failure

 private:
  std::unique_ptr<TcpSocket> One(const Address& address) {
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
      error_ = errno;
      return nullptr;
    }
    auto one = std::make_unique<TcpSocket>(name_, fd);
    const int error = one->Listen(address, user_timeout_);
    if (error == 0) return one;
    error_ = error;
    return nullptr;
  }
  absl::Status Failure() const { return CannotListen(name_, std::strerror(error_)); }

  const std::string name_;
  const absl::Duration user_timeout_;
  int error_ = 0;
};

}  // namespace

absl::StatusOr<TcpSockets> ListenOnTcp(const std::string& address, absl::Duration user_timeout) {
  const std::optional<HostAndPort> parts = SplitHostAndPort(address);
  int port = 0;
  if (!parts || !absl::SimpleAtoi(parts->port, &port)) {
    return absl::InvalidArgumentError(
        absl::StrCat("an address must be HOST:PORT or unix:PATH; was '", address, "'"));
  }
  const absl::StatusOr<std::vector<Address>> found = Resolve(parts->host);
  if (!found.ok()) return CannotListen(address, found.status().message());
  Attempt attempt(address, user_timeout);
  if (IsWildcard(found->front())) {
    auto both = attempt.All({AnyOf(AF_INET6)}, port);
    return both.ok() || !IsElsewhere(attempt.error()) ? std::move(both)
                                                      : attempt.All({AnyOf(AF_INET)}, port);
  }
  absl::StatusOr<TcpSockets> all = attempt.All(*found, port);
  const bool was_picked = port == 0;
  for (int i = 1; was_picked && !all.ok() && attempt.error() == EADDRINUSE && i < kMostPicks; ++i) {
    all = attempt.All(*found, port);
  }
  return all;
}

}  // namespace tweedie
