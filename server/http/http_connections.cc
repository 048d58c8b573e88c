#include "server/http/http_connections.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "core/base/thread_name.h"
#include "server/http/request_stream.h"
#include "server/http/tls_context.h"

namespace tweedie {
namespace {

// Half of what connections of gRPC leave.
constexpr int kKeptDivisor = 2;
// Peers that are gone without a word hold a thread no longer.
constexpr absl::Duration kUnacknowledged = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<HttpConnections>> HttpConnections::Start(const std::string& listen,
                                                                        const Options& options,
                                                                        Router* router) {
  ASSIGN_OR_RETURN(TcpSockets tcp, ListenOnTcp(listen, kUnacknowledged));
  auto connections = std::unique_ptr<HttpConnections>(new HttpConnections(options, router));
  RETURN_IF_ERROR(connections->MakeTls(options.certificates));
  RETURN_IF_ERROR(connections->Listen(std::move(tcp)));
  return connections;
}

HttpConnections::HttpConnections(const Options& options, Router* router)
    : most_waiting_(options.num_threads),
      router_(router),
      threads_(static_cast<size_t>(options.num_threads)) {}

HttpConnections::~HttpConnections() {
  listener_.reset();
  router_->Stop();
  EndReading();
  threads_.shutdown();
}

absl::Status HttpConnections::MakeTls(const Certificates* certificates) {
  if (certificates == nullptr) return absl::OkStatus();
  tls_.reset(SSL_CTX_new(TLS_server_method()));
  if (tls_ != nullptr && ShowCertificates(*tls_, certificates)) return absl::OkStatus();
  return absl::InternalError("OpenSSL makes no TLS context");
}

absl::Status HttpConnections::Listen(TcpSockets tcp) {
  port_ = tcp.port;
  std::vector<Listener::Source> sources;
  for (auto& socket : tcp.sockets) {
    sources.push_back({std::move(socket), [this](int fd) { return Take(fd); }, kKeptDivisor});
  }
  ASSIGN_OR_RETURN(listener_, Listener::Start(std::move(sources)));
  return absl::OkStatus();
}

absl::Status HttpConnections::Take(int fd) {
  if (num_waiting_ >= most_waiting_) {
    close(fd);
    return absl::ResourceExhaustedError(
        absl::StrCat(most_waiting_, " wait already for a thread of HTTP"));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Wrap(fd));
  ++num_waiting_;
  // std::function is copied, and a connection is not.
  threads_.enqueue([this, taken = connection.release()] {
    --num_waiting_;
    Serve(std::unique_ptr<Connection>(taken));
  });
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Connection>> HttpConnections::Wrap(int fd) {
  if (tls_ != nullptr) return Connection::Tls(fd, *tls_);
  return Connection::Plain(fd);
}

void HttpConnections::Serve(std::unique_ptr<Connection> connection) {
  NameThisThread("http");
  const int fd = connection->fd();
  {
    absl::MutexLock lock(&mu_);
    served_.insert(fd);
  }
  RequestStream stream(std::move(connection), {});
  router_->Serve(stream);
  // Before its number can be another's.
  absl::MutexLock lock(&mu_);
  served_.erase(fd);
}

// What waits for a request waits no longer; answers go on.
void HttpConnections::EndReading() {
  absl::MutexLock lock(&mu_);
  for (const int fd : served_) shutdown(fd, SHUT_RD);
}

}  // namespace tweedie
