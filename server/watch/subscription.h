#ifndef TWEEDIE_SERVER_WATCH_SUBSCRIPTION_H_
#define TWEEDIE_SERVER_WATCH_SUBSCRIPTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/watch/frame_form.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// What a watcher of one job wants besides changes of state and progress.
struct WatchOptions {
  int frame_interval = 0;         // a frame every so many steps, and of the last; 0: none
  std::vector<FrameForm> frames;  // at most one a kind
  // The watcher is another server, for watchers of its own: it is told of what
  // happens here, and not of what this one is told by others.
  bool is_relay = false;
  // Least time between two events of progress. Watchers who differ in it alone want the
  // same of another server.
  absl::Duration progress_interval = absl::ZeroDuration();

  friend bool operator<(const WatchOptions& a, const WatchOptions& b) {
    return std::tie(a.frame_interval, a.frames, a.is_relay) <
           std::tie(b.frame_interval, b.frames, b.is_relay);
  }
  friend bool operator==(const WatchOptions& a, const WatchOptions& b) {
    return !(a < b) && !(b < a);
  }
};

// One event of a job, ready to be sent. What it holds is shared by watchers.
struct WatchEvent {
  int64_t sequence = 0;
  absl::Time time;
  std::variant<std::shared_ptr<const v1::Job>, std::shared_ptr<const v1::Progress>,
               std::shared_ptr<const std::string>>
      what;           // the string is a serialised `Frame`
  int skipped = 0;    // events merged into this one
  bool last = false;  // the job, ended: nothing follows
  // It is told under a later sequence to a watcher who has, or claims to have, seen
  // its own. So is the last.
  bool may_rise = false;
};

// What waits for one watcher of a job: every change of state, but only the
// newest progress and the newest frame of each kind, so that a reader that
// stands still costs a bounded amount. Events come out in the order of their
// sequences, each once. Thread-safe; calls no callback with a lock held.
class Subscription {
 public:
  // Where progress and frames wait; a newer one takes the place of an older.
  enum class Slot : size_t { kProgress, kX0Hat, kXT };

  static Slot SlotOf(v1::Frame::Kind kind) {
    return kind == v1::Frame::X_T ? Slot::kXT : Slot::kX0Hat;
  }

  // `progress_interval`: see WatchOptions.
  explicit Subscription(absl::Duration progress_interval = absl::ZeroDuration())
      : progress_interval_(progress_interval) {}

  // --- The reader's side ---

  // The waiting event with the lowest sequence. If there is none: the status
  // given to Close(), if it was called; otherwise nullopt, and `on_ready` is
  // called once when that has changed (it replaces an earlier one). Nothing
  // comes out before Begin().
  absl::StatusOr<std::optional<WatchEvent>> Next(std::function<void()> on_ready)
      ABSL_LOCKS_EXCLUDED(mu_);

  // --- The publisher's side ---

  // The job as it is, the first event. What waits with its sequence or an
  // earlier one is part of it and is dropped, but for the job's end.
  void Begin(WatchEvent initial) ABSL_LOCKS_EXCLUDED(mu_);
  // An event with a sequence that has been sent, or an earlier one, is dropped.
  void AddState(WatchEvent event) ABSL_LOCKS_EXCLUDED(mu_);
  // Put() returns whether one that waited was given up for this one. Progress too soon
  // after what was put before is left out.
  bool Put(Slot slot, WatchEvent event) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the stream with `status` after what waits. The first call holds.
  void Close(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Waker = std::function<void()>;

  // Whether progress has no place of its own, by the reader's interval. It is counted.
  bool LeavesOut(const WatchEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Counts in progress that will be told what was left out before.
  void NoteProgress(WatchEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Accepts(int64_t sequence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Before Begin(): notes that what waits in `slot` is merged into what comes.
  void NoteMerged(size_t slot, const WatchEvent& waiting) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How many of the events merged into what waits in `slot` have at most that sequence.
  int MergedUpTo(int64_t sequence, size_t slot) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What has at most that sequence waits no more, and does not count as merged.
  void DropUpTo(int64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The latest sequence that has been sent or waits.
  int64_t Latest() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<WatchEvent> TakeEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool InsertState(WatchEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<WatchEvent> PopLowest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Waker TakeWaker() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::Duration progress_interval_;
  absl::Mutex mu_;
  absl::Time last_progress_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  int left_out_ ABSL_GUARDED_BY(mu_) = 0;  // progress since then
  bool begun_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;             // the last event waits, or has been sent
  int64_t last_sent_ ABSL_GUARDED_BY(mu_) = -1;         // or begun with
  std::deque<WatchEvent> states_ ABSL_GUARDED_BY(mu_);  // ascending
  std::array<std::optional<WatchEvent>, 3> slots_ ABSL_GUARDED_BY(mu_);
  // Before Begin(), of each slot: sequences that were merged, ascending, and how many
  // events were merged up to each.
  std::array<std::vector<std::pair<int64_t, int>>, 3> merged_ ABSL_GUARDED_BY(mu_);
  absl::Status closed_ ABSL_GUARDED_BY(mu_);
  Waker waker_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_WATCH_SUBSCRIPTION_H_
