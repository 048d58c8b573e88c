#include "server/http/http_server.h"

#include <httplib.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/retry.h"
#include "core/base/thread_name.h"
#include "net/target.h"
#include "server/http/gateway.h"
#include "server/http/http_headers.h"
#include "server/http/json.h"
#include "server/http/metrics_text.h"
#include "server/http/tls_context.h"

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

std::unique_ptr<httplib::Server> MakeServer(const Certificates* certificates) {
  if (certificates == nullptr) return std::make_unique<httplib::Server>();
  return std::make_unique<httplib::SSLServer>(
      [certificates](SSL_CTX& context) { return ShowCertificates(context, certificates); });
}

class HttpServerImpl final : public HttpServer {
 public:
  explicit HttpServerImpl(Options options)
      : options_(std::move(options)),
        gateway_(MakeGateway(options_)),
        server_(MakeServer(options_.certificates)) {
    const int streams = gateway_ == nullptr ? 0 : options_.gateway->max_streams;
    server_->new_task_queue = [streams] { return new httplib::ThreadPool(kThreads + streams); };
    // Without httplib's SO_REUSEPORT: two servers on one port would each get some requests.
    server_->set_socket_options([](socket_t fd) {
      const int yes = 1;
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_->set_tcp_nodelay(true);
    server_->set_read_timeout(5);
    server_->set_write_timeout(10);
    // An idle connection delays the end of the process by as much.
    server_->set_keep_alive_timeout(1);
    server_->set_payload_max_length(
        gateway_ == nullptr ? kLargestBody : static_cast<size_t>(gateway_->max_body_bytes()));
    server_->set_default_headers({{"Content-Security-Policy", kContentSecurity},
                                  {"X-Content-Type-Options", "nosniff"},
                                  {"Referrer-Policy", "no-referrer"},
                                  {"Cross-Origin-Resource-Policy", "same-origin"}});
    server_->Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server_->Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const bool ready = options_.ready();
      response.status = ready ? 200 : 503;
      response.set_content(ready ? "ready\n" : "stopping\n", "text/plain");
    });
    server_->Get("/metrics", [this](const httplib::Request& request, httplib::Response& response) {
      if (const absl::Status admitted = Admit(request); !admitted.ok()) {
        return Refuse(admitted, response);
      }
      response.set_content(MetricsText(Metrics()), "text/plain; version=0.0.4");
    });
    if (gateway_ != nullptr) gateway_->Route(*server_);
  }
  ~HttpServerImpl() override {
    if (gateway_ != nullptr) gateway_->Stop();
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen() {
    const std::optional<HostAndPort> at = SplitHostAndPort(options_.listen);
    int port = 0;
    if (!at || !absl::SimpleAtoi(at->port, &port)) {
      return absl::InvalidArgumentError(
          absl::StrCat("an address must be HOST:PORT; was '", options_.listen, "'"));
    }
    if (!server_->is_valid()) return absl::InternalError("OpenSSL makes no TLS context");
    const char* const host = at->host.c_str();
    const bool bound = port == 0 ? (port = server_->bind_to_any_port(host)) > 0
                                 : server_->bind_to_port(host, port);
    if (!bound) {
      return absl::FailedPreconditionError(
          absl::StrCat("cannot listen on ", options_.listen, " for HTTP"));
    }
    address_ = JoinHostAndPort(at->host, absl::StrCat(port));
    thread_ = std::thread([this] {
      NameThisThread("http");
      // httplib ends its listening at errors of accept() but the want of descriptors.
      if (!server_->listen_after_bind()) spdlog::error("HTTP is listened on no more");
      ended_ = true;
    });
    // A stop() before it runs would be lost.
    while (!server_->is_running() && !ended_) std::this_thread::yield();
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
    return values;
  }

  absl::Status Admit(const httplib::Request& request) const {
    if (!options_.admit) return absl::OkStatus();
    return options_.admit(request.remote_addr, AuthorizationOf(request));
  }

  const Options options_;
  const std::unique_ptr<Gateway> gateway_;  // null: no dashboard
  std::string address_;
  const std::unique_ptr<httplib::Server> server_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Options options) {
  auto server = std::make_unique<HttpServerImpl>(std::move(options));
  const absl::Status listening = server->Listen();
  if (!listening.ok()) return listening;
  return server;
}

}  // namespace tweedie
