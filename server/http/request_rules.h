#ifndef TWEEDIE_SERVER_HTTP_REQUEST_RULES_H_
#define TWEEDIE_SERVER_HTTP_REQUEST_RULES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// What a browser says of a request, as far as it tells who made it. Headers that are
// not there are empty.
struct RequestHead {
  std::string method;
  std::string host;            // Host
  std::string origin;          // Origin
  std::string sec_fetch_site;  // Sec-Fetch-Site
  std::string content_type;    // Content-Type
};

// Keeps pages of other sites from using the visitor's place in the network, where
// browsers would let them (docs/adr/0046). Immutable, hence thread-safe.
class RequestRules {
 public:
  struct Options {
    // Whether a Host that could be a name turned to this machine (DNS rebinding) is
    // refused. Needed where no token is asked for: a token is known to its own page alone.
    bool check_host = true;
    // Names, beside `localhost`, that are this server's. Any number is.
    std::vector<std::string> hosts;
  };
  explicit RequestRules(Options options);

  // PERMISSION_DENIED for a request that another site's page made, or under a name
  // that is not the server's; INVALID_ARGUMENT for one that changes something and
  // carries no JSON (which a form of another site could send unasked).
  absl::Status Check(const RequestHead& head) const;

 private:
  absl::Status CheckHost(const std::string& host) const;

  Options options_;
};

// `host` of `host`, `host:port` or `[v6]:port`, in lower case, without brackets.
std::string NameOfHost(absl::string_view host);

// Whether a header's value can be sent on as metadata: printable ASCII.
bool IsPrintable(absl::string_view value);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_REQUEST_RULES_H_
