#ifndef TWEEDIE_SERVER_WATCH_JOBS_FEED_H_
#define TWEEDIE_SERVER_WATCH_JOBS_FEED_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/jobs/job_store.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// What a watcher of many jobs wants.
struct FeedOptions {
  JobQuery query;
  bool include_progress = false;
  absl::Duration progress_interval = absl::Seconds(1);  // at most once in it, for each job
};

// One event of a feed.
struct FeedEvent {
  absl::Time time;
  std::string job_id;
  bool deleted = false;
  std::shared_ptr<const JobRecord> job;          // null if `deleted`
  std::shared_ptr<const v1::Progress> progress;  // newer than the record's, or null
};

// What waits for one watcher of many jobs: for each job only how it is now, or
// that it was deleted. The reader first passes what it reads from the store
// through List(), then takes changes. A job that was sent and no longer matches is
// sent once more, as it is, so that the reader learns of it. Thread-safe; calls no
// callback with a lock held.
class JobsFeed {
 public:
  explicit JobsFeed(FeedOptions options) : options_(std::move(options)) {}
  const FeedOptions& options() const { return options_; }

  // --- The reader's side ---

  // What to send of `job`, which the listing found, and of which `progress` is known if
  // that is newer than the record's. What has changed since is told at once, as the
  // record may be from before steps that an earlier listing told. Nullopt if the job has
  // been deleted, or no longer matches.
  std::optional<FeedEvent> List(std::shared_ptr<const JobRecord> job,
                                std::shared_ptr<const v1::Progress> progress = nullptr)
      ABSL_LOCKS_EXCLUDED(mu_);
  void EndListing() ABSL_LOCKS_EXCLUDED(mu_);
  // These are to come through List().
  void Expect(std::vector<std::string> ids) ABSL_LOCKS_EXCLUDED(mu_);
  // Ids of the jobs that the reader was sent and that matched then, or will be sent.
  std::vector<std::string> KnownIds() const ABSL_LOCKS_EXCLUDED(mu_);
  // The job that has waited longest. If there is none, nullopt, and `on_ready`
  // is called once when there is (it replaces an earlier one).
  std::optional<FeedEvent> Next(std::function<void()> on_ready) ABSL_LOCKS_EXCLUDED(mu_);

  // --- The publisher's side ---

  void OnChanged(std::shared_ptr<const JobRecord> job, absl::Time time) ABSL_LOCKS_EXCLUDED(mu_);
  // Progress of the running `job`, under `sequence`.
  void OnProgress(const std::shared_ptr<const JobRecord>& job, int64_t sequence,
                  const std::shared_ptr<const v1::Progress>& progress, absl::Time time)
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnDeleted(const std::string& job_id, absl::Time time) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What the reader knows of a job that it was sent, while it matches.
  struct Known {
    int64_t sequence = 0;
    absl::Time progress_time = absl::InfinitePast();
    int attempt = 0;
    std::shared_ptr<const v1::Progress> progress;  // of that attempt, the newest sent; or null
  };
  struct Pending {
    FeedEvent event;
    int64_t sequence = 0;
    bool reborn = false;  // of a new job with the id of a deleted one
  };

  // Lets `event` take the place of what waits for its job.
  void Add(FeedEvent event, int64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether the reader has use for `pending`; updates what it knows.
  bool Deliver(Pending& pending) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What a listing tells may be newer than what waits: gives the event that progress.
  static void KeepNewest(FeedEvent& event, Known& known);
  // Whether the id was that of a job of the creator asked for, and now is that of
  // another's: of which the reader learns only that the first is gone.
  bool IsOfAnother(const FeedEvent& event) const;
  std::function<void()> TakeWaker() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const FeedOptions options_;
  mutable absl::Mutex mu_;
  bool listing_ ABSL_GUARDED_BY(mu_) = true;
  std::vector<std::string> expected_ ABSL_GUARDED_BY(mu_);  // while listing_
  absl::flat_hash_map<std::string, Known> known_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, Pending> pending_ ABSL_GUARDED_BY(mu_);
  std::deque<std::string> order_ ABSL_GUARDED_BY(mu_);  // may hold ids that no longer wait
  std::function<void()> waker_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_WATCH_JOBS_FEED_H_
