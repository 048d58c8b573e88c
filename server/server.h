#ifndef TWEEDIE_SERVER_SERVER_H_
#define TWEEDIE_SERVER_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/options.h"

namespace tweedie {

// A whole server: store, engine, runner, watches, gRPC and HTTP, put together
// and taken apart in the right order. Thread-safe.
class Server {
 public:
  // Runs from the return on. FAILED_PRECONDITION or INVALID_ARGUMENT, saying
  // why, where it could not work.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);
  virtual ~Server() = default;

  // Of the gRPC service, and of HTTP (empty if there is none).
  virtual std::string address() const = 0;
  virtual std::string http_address() const = 0;
  // NOT_SERVING at once; then watchers are sent away, running jobs are
  // checkpointed and given back, and all is closed. Idempotent.
  virtual void Drain() = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SERVER_H_
