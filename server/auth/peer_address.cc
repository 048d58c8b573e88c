#include "server/auth/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace tweedie {
namespace {

// Of what is no address at all: such a key must not grow without bound.
constexpr size_t kLongestKey = 64;

std::string ToText(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = {};
  return inet_ntop(family, address, text, sizeof(text)) == nullptr ? "" : text;
}

std::string KeyOf(in6_addr address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) return ToText(AF_INET, &address.s6_addr[12]);
  for (int i = 8; i < 16; ++i) address.s6_addr[i] = 0;
  return absl::StrCat(ToText(AF_INET6, &address), "/64");
}

// `host` of `host:port` or `[host]:port`, without a zone.
std::string HostOf(std::string text) {
  if (absl::StartsWith(text, "[")) {
    text = text.substr(1, text.find(']') - 1);
  } else if (text.find(':') == text.rfind(':')) {
    text = text.substr(0, text.find(':'));
  }
  return text.substr(0, text.find('%'));
}

}  // namespace

std::string AddressOfPeer(absl::string_view peer) {
  if (absl::StartsWith(peer, "unix") || absl::StartsWith(peer, "fd:")) return "unix";
  if (!absl::ConsumePrefix(&peer, "ipv4:")) absl::ConsumePrefix(&peer, "ipv6:");
  const std::string host =
      HostOf(absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5b", "["}, {"%5D", "]"}, {"%5d", "]"}}));
  in6_addr v6 = {};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return KeyOf(v6);
  return host.substr(0, kLongestKey);
}

}  // namespace tweedie
