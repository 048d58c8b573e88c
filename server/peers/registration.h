#ifndef TWEEDIE_SERVER_PEERS_REGISTRATION_H_
#define TWEEDIE_SERVER_PEERS_REGISTRATION_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/jobs/server_registry.h"
#include "server/runner/periodic_thread.h"

namespace tweedie {

// This server's place among the servers of its queue. Take(), Confirm(), Publish() and End()
// are called by one thread.
class Registration {
 public:
  struct Options {
    ServerRegistry::Terms terms;
    absl::Duration renew = absl::Seconds(5);
    // Between looks at a server that has the name.
    absl::Duration look = absl::Seconds(1);
    std::function<void(absl::Duration)> wait = absl::SleepFor;
    // The models that it has now; asked at each renewal. Thread-safe.
    std::function<std::vector<std::string>()> models = [] { return std::vector<std::string>(); };
  };
  // Takes the name of `server`, without an address yet. A server that has the name
  // is watched until it renews its lease, FAILED_PRECONDITION, or until that runs
  // out. `registry` outlives the registration.
  static absl::StatusOr<std::unique_ptr<Registration>> Take(ServerRegistry* registry,
                                                            const ServerRecord& server,
                                                            Options options);
  ~Registration() { End(); }

  // Holds the name for another lease. FAILED_PRECONDITION if it ran out and another
  // has the name.
  absl::Status Confirm() const;
  // Tells where the server is reached, and renews the lease from now on; nobody
  // needs that where the server is alone.
  absl::Status Publish(const std::string& address);
  // Leaves the queue. Idempotent.
  void End();

 private:
  Registration(ServerRegistry* registry, ServerRecord server, Options options)
      : registry_(registry), server_(std::move(server)), options_(std::move(options)) {}
  absl::Status Register() const;
  void Renew() const;

  ServerRegistry* const registry_;
  ServerRecord server_;
  const Options options_;
  bool ended_ = false;
  std::unique_ptr<PeriodicThread> renewer_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_PEERS_REGISTRATION_H_
