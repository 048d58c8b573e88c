#ifndef TWEEDIE_SERVER_RUNNER_RUNNING_JOB_H_
#define TWEEDIE_SERVER_RUNNER_RUNNING_JOB_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/jobs/job_store.h"
#include "server/convert/network_used.h"
#include "server/log/audit.h"
#include "server/runner/image_metrics.h"

namespace tweedie {

// A job that this server holds the lease of, from claim to finish. Fields are
// grouped by the thread that uses them.
struct RunningJob {
  // Constant after construction.
  Lease lease;
  JobRecord record;  // as claimed

  // Constant once the engine has it; of the claimer before, while it is loaded.
  NetworkUsed network;
  MetricTargets targets;
  int begin_step = 0;  // of its checkpoint, or 0 if it begins anew

  // Any thread: the lease is lost, nothing may be written any more.
  std::atomic<bool> abandoned = false;
  // Suspected of having killed the process, and not yet further on than it was
  // then: it runs alone.
  std::atomic<bool> unproven = false;
  // How long the sink was busy with the latest metrics, in nanoseconds.
  std::atomic<int64_t> metrics_nanos = 0;

  // Engine thread.
  int checkpoint_step = 0;
  absl::Time checkpoint_time;
  // Of a suspect: every step is checkpointed until it has been here as long as one
  // may go without a checkpoint.
  bool on_probation = false;
  absl::Time begin_time;
  absl::Time metrics_time = absl::InfinitePast();

  // Sink thread (the drain's, once that has ended).
  int64_t sequence = 0;  // last published
  int first_step = 0;    // of the first report, for the rate
  absl::Time first_time = absl::InfinitePast();
  std::string checkpoint_blob;                 // the newest
  std::set<std::string> checkpoints_in_doubt;  // the row may refer to one of them
  // Once made, so that an end that the store refuses is not measured again.
  std::optional<JobEnd> end;
};

// The running jobs by id. Thread-safe.
class RunningJobs {
 public:
  // `cancel` is what Cancel() does; `on_lost` is told of each job that is abandoned, once it
  // is no longer here.
  RunningJobs(std::function<void(const std::string&)> cancel,
              std::function<void(const JobRecord&)> on_lost)
      : cancel_(std::move(cancel)), on_lost_(std::move(on_lost)) {}

  void Add(std::shared_ptr<RunningJob> job) {
    absl::MutexLock lock(&mu_);
    jobs_[job->record.id] = std::move(job);
  }
  // Another attempt of the same job, which took its place, stays.
  void Remove(const RunningJob& job) {
    absl::MutexLock lock(&mu_);
    const auto it = jobs_.find(job.record.id);
    if (it != jobs_.end() && it->second.get() == &job) jobs_.erase(it);
  }
  // Takes a job out of the engine, if it is there.
  void Cancel(const std::string& id) const { cancel_(id); }
  // Its lease is lost, or may be: nothing of it is written any more, and the engine
  // drops it.
  // Again for the same job: nothing.
  void Abandon(RunningJob& job, absl::string_view why) {
    if (job.abandoned.exchange(true)) return;
    // While it is here no later attempt is begun, which would be cancelled instead.
    if (Find(job.record.id).get() == &job) Cancel(job.record.id);
    Remove(job);
    on_lost_(job.record);
    AddLost({job.lease, job.record});
    LogJob(spdlog::level::warn, job.record, absl::StrCat("dropped: ", why));
  }
  void AddLost(Claimed lost) {
    absl::MutexLock lock(&mu_);
    lost_.push_back(std::move(lost));
  }
  // The jobs that were abandoned since the last call, as they were claimed, and what was
  // added again.
  std::vector<Claimed> TakeLost() {
    absl::MutexLock lock(&mu_);
    return std::exchange(lost_, {});
  }
  // Null if it does not run here.
  std::shared_ptr<RunningJob> Find(const std::string& id) const {
    absl::MutexLock lock(&mu_);
    const auto it = jobs_.find(id);
    return it == jobs_.end() ? nullptr : it->second;
  }
  std::vector<std::shared_ptr<RunningJob>> All() const {
    absl::MutexLock lock(&mu_);
    std::vector<std::shared_ptr<RunningJob>> all;
    for (const auto& [id, job] : jobs_) all.push_back(job);
    return all;
  }
  // Whether a suspect is among them that has not proven itself yet.
  bool has_unproven() const {
    absl::MutexLock lock(&mu_);
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [](const auto& job) { return job.second->unproven.load(); });
  }
  int64_t cost_bytes() const {
    absl::MutexLock lock(&mu_);
    int64_t bytes = 0;
    for (const auto& [id, job] : jobs_) bytes += job->record.cost_bytes;
    return bytes;
  }
  int size() const {
    absl::MutexLock lock(&mu_);
    return static_cast<int>(jobs_.size());
  }

 private:
  const std::function<void(const std::string&)> cancel_;
  const std::function<void(const JobRecord&)> on_lost_;
  mutable absl::Mutex mu_;
  std::map<std::string, std::shared_ptr<RunningJob>> jobs_ ABSL_GUARDED_BY(mu_);
  std::vector<Claimed> lost_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_RUNNING_JOB_H_
