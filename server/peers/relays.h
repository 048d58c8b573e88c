#ifndef TWEEDIE_SERVER_PEERS_RELAYS_H_
#define TWEEDIE_SERVER_PEERS_RELAYS_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "server/peers/peer_streams.h"
#include "server/watch/event_hub.h"

namespace tweedie {

// A job that runs at another server, and what those who watch it here want.
struct WantedRelay {
  std::string job_id;
  int attempt = 0;
  std::string server;
  WatchOptions options;
};

// Streams of steps and frames from the servers that run what is watched here: one
// for each job and each kind of frames wanted, whatever the number of watchers.
// They feed the hub, which keeps only the newest for a watcher who is slow. Update()
// and the destructor are called by one thread; the rest is thread-safe.
class Relays {
 public:
  // All outlive the relays. `on_change` is told of jobs whose state may have
  // changed, from gRPC's threads; it must not block.
  struct Parts {
    const Clock* clock = nullptr;
    EventHub* hub = nullptr;
    std::function<void(const std::string& job_id)> on_change;
    PeerStreams::MakeChannel make_channel;
  };
  // Where a server is; empty if that is not known.
  using FindAddress = std::function<std::string(const std::string& server)>;

  // A stream that broke is opened again after `retry`.
  Relays(Parts parts, absl::Duration retry)
      : parts_(std::move(parts)), retry_(retry), streams_(parts_.make_channel) {}

  // Opens what is wanted and not there, and gives up what is not wanted any more.
  void Update(const std::vector<WantedRelay>& wanted, const FindAddress& find_address);
  // Whether the job's events are coming in.
  bool IsFlowing(const std::string& job_id) const ABSL_LOCKS_EXCLUDED(mu_);
  int size() const { return size_; }

 private:
  using Key = std::tuple<std::string, int, WatchOptions>;  // job, attempt, what is wanted
  // How a stream is; protected by mu_.
  struct State {
    bool reached = false;  // the server has answered
    bool flowing = false;  // and told of a step
    bool ended = false;    // or given up
  };
  struct Relay {
    std::shared_ptr<State> state;
    absl::Time opened = absl::InfinitePast();
    std::unique_ptr<PeerStream> stream;  // null until an address is known
  };
  void Open(const WantedRelay& wanted, const std::string& address, Relay& relay);
  PeerStreams::Events MakeEvents(const WantedRelay& wanted, const std::string& address,
                                 const std::shared_ptr<State>& state);
  // Forgets servers that nobody wants anything of.
  void ForgetUnwanted(const std::vector<WantedRelay>& wanted) ABSL_LOCKS_EXCLUDED(mu_);
  // Logs the first failure of a server until it is reached again.
  void Complain(const std::string& server, const std::string& address, const absl::Status& why)
      ABSL_LOCKS_EXCLUDED(mu_);
  void SetReached(const std::string& server, State& state) ABSL_LOCKS_EXCLUDED(mu_);
  void SetFlowing(const std::string& job_id, State& state) ABSL_LOCKS_EXCLUDED(mu_);
  // Returns whether the server had been reached.
  bool SetEnded(const std::string& job_id, State& state) ABSL_LOCKS_EXCLUDED(mu_);
  bool HasEnded(const State& state) const ABSL_LOCKS_EXCLUDED(mu_);

  const Parts parts_;
  const absl::Duration retry_;
  std::atomic<int> size_ = 0;
  mutable absl::Mutex mu_;
  std::set<std::string> unreachable_ ABSL_GUARDED_BY(mu_);   // servers complained of
  std::map<std::string, int> flowing_ ABSL_GUARDED_BY(mu_);  // streams by job
  PeerStreams streams_;          // its end waits for all callbacks: after what they use
  std::map<Key, Relay> relays_;  // of Update()'s thread; given up before streams_
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_PEERS_RELAYS_H_
