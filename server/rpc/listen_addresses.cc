#include "server/rpc/listen_addresses.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "net/target.h"

namespace tweedie {
namespace {

using Found = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// Null, with `*error` set, if there is none.
Found Find(const HostAndPort& parts, int flags, int* error) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE | flags;
  addrinfo* found = nullptr;
  *error = getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found);
  return Found(*error == 0 ? found : nullptr, &freeaddrinfo);
}

std::string TextOf(const addrinfo& info, const std::string& port) {
  char host[NI_MAXHOST] = {};
  getnameinfo(info.ai_addr, info.ai_addrlen, host, sizeof(host), nullptr, 0, NI_NUMERICHOST);
  return JoinHostAndPort(host, port);
}

}  // namespace

std::string UnixPathOf(absl::string_view address) {
  if (!absl::ConsumePrefix(&address, "unix:")) return "";
  if (absl::StartsWith(address, "///")) address.remove_prefix(2);
  return std::string(address);
}

absl::Status CheckHostAndPort(const std::string& address) {
  if (SplitHostAndPort(address)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("an address must be HOST:PORT or unix:PATH; was '", address, "'"));
}

absl::StatusOr<std::vector<std::string>> InNumbers(const std::string& address) {
  RETURN_IF_ERROR(CheckHostAndPort(address));
  const std::optional<HostAndPort> parts = SplitHostAndPort(address);
  int error = 0;
  if (Find(*parts, AI_NUMERICHOST, &error) != nullptr) return std::vector<std::string>{address};
  // Not the loopback address of IPv6 where there is no IPv6.
  const Found found = Find(*parts, AI_ADDRCONFIG, &error);
  if (found == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on ", address, ": ", gai_strerror(error)));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    const std::string text = TextOf(*one, parts->port);
    const bool is_known = std::find(addresses.begin(), addresses.end(), text) != addresses.end();
    if (!is_known) addresses.push_back(text);
  }
  if (parts->port == "0") addresses.resize(1);
  return addresses;
}

}  // namespace tweedie
