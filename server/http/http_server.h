#ifndef TWEEDIE_SERVER_HTTP_HTTP_SERVER_H_
#define TWEEDIE_SERVER_HTTP_HTTP_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/http/gateway_options.h"
#include "server/tls/certificates.h"

namespace tweedie {

// GET /healthz (200 while the process lives), /readyz (503 unless it takes
// jobs) and /metrics (Prometheus text, for those alone who may), and if wanted the
// dashboard and its API, on threads of its own. Thread-safe.
class HttpServer {
 public:
  struct Options {
    std::string listen;  // HOST:PORT; port 0 picks a free one
    // HTTPS with what these hold at each handshake; HTTP if null. Clients are not asked
    // for certificates: what probes health has none. Outlives the server.
    const Certificates* certificates = nullptr;
    // Called for each request, on threads of the HTTP server.
    std::function<bool()> ready;
    // Name, with labels as Prometheus writes them, to value.
    std::function<std::map<std::string, double>()> metrics;
    // Whether a request for the metrics, from the IP address `peer` with this
    // `authorization` header (nullopt: none), is answered: 401, 403 or, with
    // Retry-After, 429 otherwise. Empty: all are.
    std::function<absl::Status(const std::string& peer,
                               const std::optional<std::string>& authorization)>
        admit;
    // The dashboard and the API under /api/v1/; none of it if nullopt. Its `admit` is
    // the one above, and the host of `listen` is added to its hosts.
    std::optional<GatewayOptions> gateway;
  };
  // INVALID_ARGUMENT for a malformed address; FAILED_PRECONDITION if it cannot
  // be listened on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(Options options);
  virtual ~HttpServer() = default;  // stops it

  // HOST:PORT as it is, an IPv6 host in brackets.
  virtual const std::string& address() const = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_HTTP_SERVER_H_
