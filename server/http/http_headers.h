#ifndef TWEEDIE_SERVER_HTTP_HTTP_HEADERS_H_
#define TWEEDIE_SERVER_HTTP_HTTP_HEADERS_H_

#include <httplib.h>

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace tweedie {

// The header Authorization of a request that has one.
inline std::optional<std::string> AuthorizationOf(const httplib::Request& request) {
  if (!request.has_header("Authorization")) return std::nullopt;
  return request.get_header_value("Authorization");
}

// A refusal's status, with the headers that go with it.
inline void SetRefusal(int status, std::optional<absl::Duration> retry_after,
                       httplib::Response& response) {
  response.status = status;
  if (status == 401) response.set_header("WWW-Authenticate", "Bearer");
  if (retry_after.has_value()) {
    response.set_header("Retry-After", absl::StrCat(absl::ToInt64Seconds(*retry_after)));
  }
}

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_HTTP_HEADERS_H_
