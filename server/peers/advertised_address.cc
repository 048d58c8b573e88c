#include "server/peers/advertised_address.h"

#include <filesystem>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/field_error.h"
#include "net/target.h"

namespace tweedie {
namespace {

constexpr char kUnix[] = "unix:";

// One that can be connected to.
bool IsHostAndPort(absl::string_view address) {
  const std::optional<HostAndPort> parts = SplitHostAndPort(address);
  int port = 0;
  return parts.has_value() && absl::SimpleAtoi(parts->port, &port) && port > 0;
}

bool IsWildcard(absl::string_view host) { return host == "0.0.0.0" || host == "::" || host == "*"; }

}  // namespace

absl::StatusOr<std::string> AdvertisedAddress(const std::string& advertise,
                                              absl::string_view listening, absl::string_view host) {
  if (!advertise.empty()) {
    if (absl::StartsWith(advertise, kUnix) || IsHostAndPort(advertise)) return advertise;
    return FieldError("advertise", absl::StrCat("must be HOST:PORT or unix:PATH; was ", advertise));
  }
  absl::string_view path = listening;
  if (absl::ConsumePrefix(&path, kUnix)) {
    return absl::StrCat(kUnix, std::filesystem::absolute(std::string(path)).string());
  }
  const std::optional<HostAndPort> parts = SplitHostAndPort(listening);
  if (!parts || !IsWildcard(parts->host)) return std::string(listening);
  return JoinHostAndPort(host, parts->port);
}

}  // namespace tweedie
