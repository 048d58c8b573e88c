#ifndef TWEEDIE_SERVER_SERVER_H_
#define TWEEDIE_SERVER_SERVER_H_

#include <functional>
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
  // Opens the data folder and loads the models. Nothing runs yet: the process may
  // end at any time. FAILED_PRECONDITION or INVALID_ARGUMENT, saying why, where it
  // could not work. `on_alive` is JobRunner's, and outlives the server.
  static absl::StatusOr<std::unique_ptr<Server>> Load(const ServerOptions& options,
                                                      std::function<void()> on_alive);
  virtual ~Server() = default;

  // Runs from the return on. To be called once, before all else. Errors as above.
  virtual absl::Status Run() = 0;
  // Of the gRPC service, and of HTTP (empty if there is none).
  virtual std::string address() const = 0;
  virtual std::string http_address() const = 0;  // with http:// or https://
  // NOT_SERVING at once; then watchers are sent away, running jobs are
  // checkpointed and given back, and all is closed. Idempotent.
  virtual void Drain() = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SERVER_H_
