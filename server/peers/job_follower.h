#ifndef TWEEDIE_SERVER_PEERS_JOB_FOLLOWER_H_
#define TWEEDIE_SERVER_PEERS_JOB_FOLLOWER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/jobs/job_store.h"
#include "server/peers/relays.h"
#include "server/runner/periodic_thread.h"
#include "server/watch/event_hub.h"

namespace tweedie {

// Lets watchers here see what other servers of the queue do. Changes of state come
// from the store: of the jobs that news name, and every second of those that are
// watched, in a few queries. Steps and frames come from the servers that run the
// jobs, by Relays; where they do not come, the progress of checkpoints is told.
// Has a thread of its own. Thread-safe.
class JobFollower {
 public:
  struct Options {
    std::string server;  // this one's name
    absl::Duration poll = absl::Seconds(1);
    absl::Duration retry = absl::Seconds(2);  // of a relay that broke
    // How long the end of a job, as the store has it, waits for what its relay
    // still brings: the last step and its frames.
    absl::Duration last_frames = absl::Seconds(2);
  };
  // All outlive the follower.
  struct Parts {
    const Clock* clock = nullptr;
    JobStore* store = nullptr;
    EventHub* hub = nullptr;
    PeerStreams::MakeChannel make_channel;  // to another server
  };
  JobFollower(Options options, Parts parts);
  ~JobFollower();

  // News from the store.
  void Hear(const QueueNews& news) ABSL_LOCKS_EXCLUDED(mu_);
  // Looks at a job soon: somebody begins to watch it, or its state has changed.
  void LookAt(const std::string& job_id) ABSL_LOCKS_EXCLUDED(mu_);
  // Figures for /metrics.
  std::map<std::string, double> Metrics() const;

 private:
  struct Hints {
    std::set<std::string> changed;
    bool missed = false;  // anything may have changed
  };
  // Where a job runs that does not run here.
  struct Away {
    int attempt = 0;
    std::string server;
    std::optional<absl::Time> end_seen;
  };
  using Watched = std::vector<EventHub::Watched>;

  void Pass();
  Hints TakeHints() ABSL_LOCKS_EXCLUDED(mu_);
  void SetMissed() ABSL_LOCKS_EXCLUDED(mu_);
  bool IsPollDue();
  std::set<std::string> JobsToLookAt(const Hints& hints, const Watched& watched);
  absl::Status LookAtAll(const std::set<std::string>& ids);
  absl::Status LookAtSome(const std::vector<std::string>& ids);
  void See(const JobRecord& job);
  // Whether `job` has ended and its relay may bring something still.
  bool IsEndEarly(const JobRecord& job);
  // `is_store_there`: addresses can be looked up.
  absl::Status UpdateRelays(const Watched& watched, bool is_store_there);
  // For feeds, when news may have been missed: all jobs that match, and all that
  // did.
  absl::Status ListAgain();
  absl::Status ListFor(JobsFeed& feed);
  void Report(const absl::Status& status);

  const Options options_;
  const Parts parts_;
  absl::Mutex mu_;
  Hints hints_ ABSL_GUARDED_BY(mu_);
  // Of the thread:
  absl::Time last_poll_ = absl::InfinitePast();
  bool failing_ = false;  // and it has been logged
  std::map<std::string, Away> away_;
  std::unique_ptr<Relays> relays_;
  PeriodicThread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_PEERS_JOB_FOLLOWER_H_
