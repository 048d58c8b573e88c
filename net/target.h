#ifndef TWEEDIE_NET_TARGET_H_
#define TWEEDIE_NET_TARGET_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

// Whether `target` names a Unix socket: unix:PATH, or unix-abstract:NAME.
bool IsUnixTarget(absl::string_view target);

// The target to connect to so that no byte leaves this machine: `target` itself if it
// is a Unix socket or a loopback address in numbers; the IPv4 loopback address for
// `localhost`, since what a name means is another's to say. nullopt for all else, also
// for what is not understood.
std::optional<std::string> LocalTarget(absl::string_view target);

// Whether `host` is a loopback address in numbers, of IPv4, IPv6 or the one in the
// other; not a name, nor a short form (127.1).
bool IsLoopbackHost(const std::string& host);

// HOST and PORT of "HOST:PORT" or "[IPV6]:PORT", without brackets; nullopt for other
// forms.
struct HostAndPort {
  std::string host;
  std::string port;
};
std::optional<HostAndPort> SplitHostAndPort(absl::string_view target);
// The other way round.
std::string JoinHostAndPort(absl::string_view host, absl::string_view port);
// "HOST:PORT" with another port.
std::string WithPort(absl::string_view target, int port);

}  // namespace tweedie

#endif  // TWEEDIE_NET_TARGET_H_
