#include "server/http/http_server.h"

#include <httplib.h>

#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/retry.h"
#include "core/base/status_macros.h"
#include "net/target.h"
#include "server/http/gateway.h"
#include "server/http/http_connections.h"
#include "server/http/http_headers.h"
#include "server/http/json.h"
#include "server/http/metrics_text.h"
#include "server/http/router.h"

namespace tweedie {
namespace {

// For requests that are answered at once; each stream of events has one more.
constexpr int kThreads = 8;
constexpr size_t kLargestBody = 4096;  // where there is no API

// What browsers are to keep to: the dashboard loads nothing from elsewhere, and no other
// site shows it in a frame.
constexpr char kContentSecurity[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

void Refuse(const absl::Status& status, httplib::Response& response) {
  SetRefusal(HttpStatusOf(static_cast<int>(status.code())), RetryDelayOf(status), response);
  response.set_content(absl::StrCat(status.message(), "\n"), "text/plain");
}

class HttpServerImpl final : public HttpServer {
 public:
  explicit HttpServerImpl(Options options)
      : options_(std::move(options)), gateway_(MakeGateway(options_)) {
    router_.set_keep_alive_timeout(1);  // a thread is held as long
    router_.set_payload_max_length(
        gateway_ == nullptr ? kLargestBody : static_cast<size_t>(gateway_->max_body_bytes()));
    router_.set_default_headers({{"Content-Security-Policy", kContentSecurity},
                                 {"X-Content-Type-Options", "nosniff"},
                                 {"Referrer-Policy", "no-referrer"},
                                 {"Cross-Origin-Resource-Policy", "same-origin"}});
    router_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    router_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const bool ready = options_.ready();
      response.status = ready ? 200 : 503;
      response.set_content(ready ? "ready\n" : "stopping\n", "text/plain");
    });
    router_.Get("/metrics", [this](const httplib::Request& request, httplib::Response& response) {
      if (const absl::Status admitted = Admit(request); !admitted.ok()) {
        return Refuse(admitted, response);
      }
      response.set_content(MetricsText(Metrics()), "text/plain; version=0.0.4");
    });
    if (gateway_ != nullptr) gateway_->Route(router_);
  }
  ~HttpServerImpl() override {
    if (gateway_ != nullptr) gateway_->Stop();
  }

  absl::Status Listen() {
    const int streams = gateway_ == nullptr ? 0 : options_.gateway->max_streams;
    ASSIGN_OR_RETURN(connections_,
                     HttpConnections::Start(options_.listen,
                                            {options_.certificates, kThreads + streams}, &router_));
    address_ = WithPort(options_.listen, connections_->port());
    listening_ = connections_.get();
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }

 private:
  static std::unique_ptr<Gateway> MakeGateway(const Options& options) {
    if (!options.gateway.has_value()) return nullptr;
    GatewayOptions gateway = *options.gateway;
    gateway.admit = options.admit;
    const std::optional<HostAndPort> own = SplitHostAndPort(options.listen);
    if (own.has_value()) gateway.rules.hosts.push_back(own->host);
    return std::make_unique<Gateway>(std::move(gateway));
  }

  std::map<std::string, double> Metrics() const {
    std::map<std::string, double> values = options_.metrics();
    if (gateway_ != nullptr) values.merge(gateway_->Metrics());
    if (const HttpConnections* const connections = listening_; connections != nullptr) {
      values["tweedie_connections_refused_total"] +=
          static_cast<double>(connections->num_refused());
    }
    return values;
  }

  absl::Status Admit(const httplib::Request& request) const {
    if (!options_.admit) return absl::OkStatus();
    return options_.admit(request.remote_addr, AuthorizationOf(request));
  }

  const Options options_;
  const std::unique_ptr<Gateway> gateway_;  // null: no dashboard
  std::string address_;
  Router router_;
  // Null in requests that come while connections_ is still made.
  std::atomic<const HttpConnections*> listening_ = nullptr;
  std::unique_ptr<HttpConnections> connections_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Options options) {
  auto server = std::make_unique<HttpServerImpl>(std::move(options));
  const absl::Status listening = server->Listen();
  if (!listening.ok()) return listening;
  return server;
}

}  // namespace tweedie
