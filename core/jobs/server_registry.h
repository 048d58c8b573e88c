#ifndef TWEEDIE_CORE_JOBS_SERVER_REGISTRY_H_
#define TWEEDIE_CORE_JOBS_SERVER_REGISTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tweedie {

// One of the servers of a queue.
struct ServerRecord {
  std::string name;
  uint64_t instance = 0;  // of this life of it, drawn at random
  std::string address;    // that the others reach it by; empty: not yet, or not at all
  std::string version;
  std::vector<std::string> devices;  // no line ends in these
  std::vector<std::string> models;
  absl::Time start_time;
  // Known to the store alone.
  absl::Time lease_end = absl::InfinitePast();
  int64_t running_jobs = 0;
};

// Which servers use a queue. A server is there until it leaves, or until it has
// not been registered again for as long as its lease, by the clock of the
// database. All calls block on I/O and are thread-safe; errors common to all are
// those of job_store.h.
class ServerRegistry {
 public:
  struct Terms {
    absl::Duration lease = absl::Seconds(30);
    // No other process can be using the queue: whoever is registered is dead.
    bool alone = false;
  };
  virtual ~ServerRegistry() = default;
  // Registers `server`, or renews its lease and all that is said of it, and
  // removes a bounded number of those whose lease has run out. ALREADY_EXISTS if
  // another instance holds the name.
  virtual absl::Status Register(const ServerRecord& server, const Terms& terms) = 0;
  // Takes the server out, if it is registered as that instance.
  virtual absl::Status Unregister(const ServerRecord& server) = 0;
  // Those whose lease holds, by name.
  virtual absl::StatusOr<std::vector<ServerRecord>> Servers() = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_SERVER_REGISTRY_H_
