#ifndef TWEEDIE_SERVER_LOADING_H_
#define TWEEDIE_SERVER_LOADING_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "server/auth/watched_access.h"
#include "server/options.h"
#include "server/peers/registration.h"
#include "server/queue.h"
#include "server/runner/lpips_file.h"
#include "server/runner/model_pool.h"
#include "server/tls/certificates.h"

namespace tweedie {

// What is made before a server runs.
struct LoadedParts {
  std::unique_ptr<Certificates> certificates;  // null: no TLS
  Queue queue;
  std::unique_ptr<WatchedAccess> access;  // null: everybody may call
  std::unique_ptr<ModelPool> pool;
  std::optional<Lpips> lpips;
  std::unique_ptr<Registration> registration;
};

// Checks the options, which have their defaults, opens the queue, reads the files that the
// options name, loads the models, and takes the server's name in the queue. Errors as of
// Server::Load().
absl::StatusOr<LoadedParts> LoadParts(const ServerOptions& options);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_LOADING_H_
