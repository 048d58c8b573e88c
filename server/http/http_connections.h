#ifndef TWEEDIE_SERVER_HTTP_HTTP_CONNECTIONS_H_
#define TWEEDIE_SERVER_HTTP_HTTP_CONNECTIONS_H_

#include <httplib.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "net/openssl.h"
#include "server/http/connection.h"
#include "server/http/router.h"
#include "server/sockets/listener.h"
#include "server/sockets/tcp_socket.h"
#include "server/tls/certificates.h"

namespace tweedie {

// The connections of an HTTP server, each of which holds one of its threads as long as
// it lasts; as many again may wait for one, and others are closed.
class HttpConnections {
 public:
  struct Options {
    const Certificates* certificates = nullptr;  // as HttpServer's
    int num_threads = 8;
  };
  // Listens on HOST:PORT and answers by `router`, which outlives this. INVALID_ARGUMENT
  // for a malformed address; FAILED_PRECONDITION if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<HttpConnections>> Start(const std::string& listen,
                                                                const Options& options,
                                                                Router* router);
  // Stops the router, and waits for the requests at hand.
  ~HttpConnections();
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  int port() const { return port_; }
  // As Listener's. Thread-safe.
  int64_t num_refused() const { return listener_->num_refused(); }

 private:
  HttpConnections(const Options& options, Router* router);
  absl::Status MakeTls(const Certificates* certificates);
  absl::Status Listen(TcpSockets tcp);
  absl::Status Take(int fd) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::unique_ptr<Connection>> Wrap(int fd);
  void Serve(std::unique_ptr<Connection> connection) ABSL_LOCKS_EXCLUDED(mu_);
  void EndReading() ABSL_LOCKS_EXCLUDED(mu_);

  const int most_waiting_;
  Router* const router_;
  openssl::Context tls_;  // null: plain
  int port_ = 0;
  std::atomic<int> num_waiting_ = 0;
  absl::Mutex mu_;
  std::set<int> served_ ABSL_GUARDED_BY(mu_);  // descriptors
  httplib::ThreadPool threads_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_HTTP_CONNECTIONS_H_
