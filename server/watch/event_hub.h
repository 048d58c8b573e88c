#ifndef TWEEDIE_SERVER_WATCH_EVENT_HUB_H_
#define TWEEDIE_SERVER_WATCH_EVENT_HUB_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/jobs/job.h"
#include "server/watch/frame_form.h"
#include "server/watch/jobs_feed.h"
#include "server/watch/subscription.h"
#include "tweedie/v1/job.pb.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// Where what happens to jobs meets who watches them. Publishers never wait for
// a watcher: they overwrite what waits for it. Knows no LibTorch and no gRPC;
// HubObserver lets the runner publish here, server/peers tells what happens at
// other servers of the queue.
//
// To watch without a gap: Watch(), then read the job from the store, then
// Begin() with what was read.
//
// Thread-safe. Takes its own lock and a watcher's one after the other, never
// both. Must outlive its subscriptions and feeds.
class EventHub {
 public:
  explicit EventHub(const Clock* clock) : clock_(clock) {}
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // --- Watchers ---

  // Collects the job's events from now on. The hub forgets the subscription
  // when the last reference to it is gone.
  std::shared_ptr<Subscription> Watch(const std::string& job_id, WatchOptions options)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Starts the stream with the job as `record` has it, read from the store after
  // Watch(), under the sequence of its last event. `after_sequence` is the last
  // that the reader received, or 0. OUT_OF_RANGE if the job cannot have reached
  // it: beyond the last event where all of them are known here, beyond the
  // attempt where another server (or an earlier life of this one) runs it.
  absl::Status Begin(Subscription& subscription, const JobRecord& record, int64_t queue_position,
                     int64_t after_sequence) ABSL_LOCKS_EXCLUDED(mu_);

  // Collects changes of all jobs that match.
  std::shared_ptr<JobsFeed> WatchAll(FeedOptions options) ABSL_LOCKS_EXCLUDED(mu_);

  // The job as the API reports it, with the newest progress published here.
  v1::Job Report(const JobRecord& record) const ABSL_LOCKS_EXCLUDED(mu_);

  // --- Publishers: see JobObserver ---

  void OnJobChanged(const JobRecord& job) ABSL_LOCKS_EXCLUDED(mu_);
  void OnJobDeleted(const std::string& job_id) ABSL_LOCKS_EXCLUDED(mu_);
  void OnJobLost(const std::string& job_id, int attempt) ABSL_LOCKS_EXCLUDED(mu_);
  bool WantsFrame(const std::string& job_id, int step, bool last) const ABSL_LOCKS_EXCLUDED(mu_);

  struct Step {
    std::string job_id;
    int64_t sequence = 0;  // of the progress; + 1 and + 2: of a frame of x0_hat, of x_t
    bool last = false;
    v1::Progress progress;
  };
  // The bytes of the step's frame in a form, or null if there is none. Called
  // with no lock held, once for each watcher and form.
  using FrameSource = std::function<std::shared_ptr<const std::string>(const FrameForm&)>;
  // Of a job that is known to run; of another, watchers alone are told.
  void OnStep(const Step& step, const FrameSource& frames) ABSL_LOCKS_EXCLUDED(mu_);

  // --- What happens at other servers ---

  // A job that is watched here, by others than relays, and what they want.
  struct Watched {
    std::string job_id;
    std::set<WatchOptions> options;
  };
  std::vector<Watched> WatchedJobs() const ABSL_LOCKS_EXCLUDED(mu_);
  // Those of all that still have a reader.
  std::vector<std::shared_ptr<JobsFeed>> Feeds() ABSL_LOCKS_EXCLUDED(mu_);

  // The job as the store has it, whoever changed it. What is known already is not
  // told again.
  void OnJobSeen(const JobRecord& job) ABSL_LOCKS_EXCLUDED(mu_);
  // Likewise: tells those who watch it of the progress of its checkpoint, if they
  // know less, under a sequence that its runner has gone beyond.
  void OnCheckpointSeen(const JobRecord& job) ABSL_LOCKS_EXCLUDED(mu_);
  // Progress or a frame that the runner of the job published at another server,
  // for watchers who want `options`. False if it is neither, or if the job is not
  // known to run elsewhere as that attempt. Otherwise `before_telling` is called, if
  // given, before anybody is told.
  bool OnRelayed(const std::string& job_id, const WatchOptions& options,
                 const v1::WatchJobResponse& event,
                 const std::function<void()>& before_telling = nullptr) ABSL_LOCKS_EXCLUDED(mu_);

  // The server that runs the job cannot give what `options` ask for: ends the
  // watches that want them.
  void OnRelayRefused(const std::string& job_id, const WatchOptions& options,
                      const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  // Figures for /metrics.
  std::map<std::string, double> Metrics() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Watcher {
    const Subscription* key;
    std::weak_ptr<Subscription> subscription;
    std::shared_ptr<const WatchOptions> options;
  };
  // A job that runs, here or at another server.
  struct Live {
    int attempt = 0;
    bool here = true;                         // all of its events are known
    int step = 0;                             // told last, of a job that runs elsewhere
    int64_t newest = 0;                       // sequence of the last state or progress
    int64_t reached = 0;                      // and of the last frame, if it made any
    absl::Time time;                          // of that event
    std::shared_ptr<const JobRecord> record;  // as of the last change of state
    std::shared_ptr<const v1::Progress> progress;
  };
  struct Topic {
    std::optional<Live> live;
    std::vector<Watcher> watchers;
  };
  struct Listener {
    std::shared_ptr<Subscription> subscription;
    std::shared_ptr<const WatchOptions> options;
  };
  void Forget(const std::string& job_id, const Subscription* subscription) ABSL_LOCKS_EXCLUDED(mu_);
  void Publish(const JobRecord& job, bool here) ABSL_LOCKS_EXCLUDED(mu_);
  void TellFeeds(const JobRecord& job, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  // That a watcher begins with what the record says of a job that nothing is known of.
  void NoteTold(const JobRecord& record) ABSL_LOCKS_EXCLUDED(mu_);
  // Follow what runs; the second returns the job's record, if it is known and the
  // step is not of an attempt that is over.
  void UpdateLive(const JobRecord& job, bool here, Topic& topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::shared_ptr<const JobRecord> UpdateLive(const Step& step,
                                              std::shared_ptr<const v1::Progress> progress,
                                              Topic& topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The topic of a job that runs at another server as `attempt`; null if there is
  // none.
  Topic* FindAway(const std::string& job_id, int attempt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static std::vector<Listener> ListenersOf(const Topic& topic);
  // Without relays.
  static std::vector<Listener> OwnListenersOf(const Topic& topic);
  static void Advance(Live& live, int64_t sequence, absl::Time time,
                      std::shared_ptr<const v1::Progress> progress);
  std::vector<std::shared_ptr<JobsFeed>> LiveFeeds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What is known of the run of `record`, or of a later one; nullopt if nothing.
  std::optional<Live> FindLive(const JobRecord& record) const ABSL_LOCKS_EXCLUDED(mu_);
  static v1::Job Report(const JobRecord& record, const std::optional<Live>& live);
  void EraseIfIdle(const std::string& job_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock* const clock_;
  // How many watchers want frames: WantsFrame() takes no lock while none does.
  std::atomic<int> frame_watchers_ = 0;
  std::atomic<int64_t> merged_ = 0;  // events that slow readers were spared
  mutable absl::Mutex mu_;
  absl::flat_hash_map<std::string, Topic> topics_ ABSL_GUARDED_BY(mu_);
  std::vector<std::weak_ptr<JobsFeed>> feeds_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_WATCH_EVENT_HUB_H_
