#include "server/peers/advertised_address.h"

#include <cstdint>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/field_error.h"

namespace tweedie {
namespace {

constexpr char kUnix[] = "unix:";

bool IsHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int32_t port = 0;
  return colon != absl::string_view::npos && colon > 0 &&
         absl::SimpleAtoi(address.substr(colon + 1), &port) && port > 0 && port < 65536;
}

bool IsWildcard(absl::string_view host) {
  return host == "0.0.0.0" || host == "[::]" || host == "::" || host == "*";
}

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
  const size_t colon = listening.rfind(':');
  if (colon == absl::string_view::npos || !IsWildcard(listening.substr(0, colon))) {
    return std::string(listening);
  }
  return absl::StrCat(host, listening.substr(colon));
}

}  // namespace tweedie
