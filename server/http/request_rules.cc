#include "server/http/request_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

bool IsNumber(const std::string& host) {
  unsigned char address[sizeof(in6_addr)] = {};
  return inet_pton(AF_INET, host.c_str(), address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address) == 1;
}

// Of `https://host:port`, what Host says of the same site. The scheme is left out: a
// proxy may have the TLS.
absl::string_view AuthorityOf(absl::string_view origin) {
  const size_t scheme = origin.find("://");
  return scheme == absl::string_view::npos ? absl::string_view() : origin.substr(scheme + 3);
}

bool IsJson(absl::string_view content_type) {
  const absl::string_view type = content_type.substr(0, content_type.find(';'));
  return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(type), "application/json");
}

absl::Status CheckSite(const RequestHead& head) {
  const std::string& site = head.sec_fetch_site;
  if (!site.empty() && site != "same-origin" && site != "none") {
    return absl::PermissionDeniedError("pages of other sites may not call this server");
  }
  if (head.origin.empty() || absl::EqualsIgnoreCase(AuthorityOf(head.origin), head.host)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      "pages of other origins may not call this server: Origin and Host differ");
}

}  // namespace

std::string NameOfHost(absl::string_view host) {
  if (absl::StartsWith(host, "[")) return absl::AsciiStrToLower(host.substr(1, host.find(']') - 1));
  const size_t colon = host.rfind(':');
  return absl::AsciiStrToLower(colon == host.find(':') ? host.substr(0, colon) : host);
}

bool IsPrintable(absl::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

RequestRules::RequestRules(Options options) : options_(std::move(options)) {
  for (std::string& host : options_.hosts) host = NameOfHost(host);
  options_.hosts.push_back("localhost");
}

absl::Status RequestRules::CheckHost(const std::string& host) const {
  const std::string name = NameOfHost(host);
  const std::vector<std::string>& known = options_.hosts;
  if (!options_.check_host || IsNumber(name) ||
      std::find(known.begin(), known.end(), name) != known.end()) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(absl::StrCat("this server is not known under the name '", name,
                                                  "': give --http-host ", name,
                                                  " if it is its name"));
}

absl::Status RequestRules::Check(const RequestHead& head) const {
  RETURN_IF_ERROR(CheckHost(head.host));
  RETURN_IF_ERROR(CheckSite(head));
  // DELETE is none of the methods that browsers let pages send elsewhere unasked.
  if (head.method != "POST" || IsJson(head.content_type)) return absl::OkStatus();
  return absl::InvalidArgumentError("Content-Type must be application/json");
}

}  // namespace tweedie
