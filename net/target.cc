#include "net/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

bool IsLoopback(const in_addr& address) { return ntohl(address.s_addr) >> 24 == 127; }

bool IsLoopback(const in6_addr& address) {
  if (IN6_IS_ADDR_LOOPBACK(&address)) return true;
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return false;
  return address.s6_addr[12] == 127;
}

}  // namespace

bool IsUnixTarget(absl::string_view target) {
  return absl::StartsWith(target, "unix:") || absl::StartsWith(target, "unix-abstract:");
}

bool IsLoopbackHost(const std::string& host) {
  in_addr four;
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return IsLoopback(four);
  in6_addr six;
  return inet_pton(AF_INET6, host.c_str(), &six) == 1 && IsLoopback(six);
}

std::optional<std::string> LocalTarget(absl::string_view target) {
  if (IsUnixTarget(target)) return std::string(target);
  const std::optional<HostAndPort> parts = SplitHostAndPort(target);
  if (!parts) return std::nullopt;
  if (absl::EqualsIgnoreCase(parts->host, "localhost")) {
    return absl::StrCat("127.0.0.1:", parts->port);
  }
  return IsLoopbackHost(parts->host) ? std::optional(std::string(target)) : std::nullopt;
}

std::optional<HostAndPort> SplitHostAndPort(absl::string_view target) {
  const size_t colon = target.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return std::nullopt;
  absl::string_view host = target.substr(0, colon);
  const absl::string_view port = target.substr(colon + 1);
  uint32_t number = 0;
  if (!absl::SimpleAtoi(port, &number) || number > 65535) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  } else if (absl::StrContains(host, ':') || absl::StrContains(host, '/')) {
    return std::nullopt;  // an address without a port, or a scheme of gRPC's
  }
  return HostAndPort{std::string(host), std::string(port)};
}

std::string JoinHostAndPort(absl::string_view host, absl::string_view port) {
  const bool six = absl::StrContains(host, ':');
  return absl::StrCat(six ? "[" : "", host, six ? "]:" : ":", port);
}

std::string WithPort(absl::string_view target, int port) {
  return absl::StrCat(target.substr(0, target.rfind(':')), ":", port);
}

}  // namespace tweedie
