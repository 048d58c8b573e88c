#ifndef TWEEDIE_SERVER_RUNNER_JOB_RUNNER_H_
#define TWEEDIE_SERVER_RUNNER_JOB_RUNNER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/engine/engine_thread.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "core/metrics/lpips.h"
#include "server/runner/job_observer.h"
#include "server/runner/job_writer.h"
#include "server/runner/lease_keeper.h"
#include "server/runner/load_retries.h"
#include "server/runner/model_pool.h"
#include "server/runner/periodic_thread.h"
#include "server/runner/runner_control.h"
#include "server/runner/step_sink.h"

namespace tweedie {

// Runs jobs: claims them from the store, feeds the engine, keeps the leases,
// writes checkpoints and results, and cleans up what has expired. Thread-safe.
class JobRunner final : public RunnerControl {
 public:
  struct Options {
    std::string server;  // name among the servers of one queue
    std::string device;
    Engine::Options engine;
    int64_t max_cost_bytes = int64_t{2} << 30;  // of all jobs that run
    absl::Duration poll = absl::Seconds(1);
    absl::Duration upkeep = absl::Seconds(5);
    LeaseKeeper::Options lease;
    LoadRetries::Options retries;
    StepSink::Options sink;
  };
  // What it works with; everything outlives the runner.
  struct Parts {
    const Clock* clock = nullptr;
    JobStore* store = nullptr;
    const BlobStore* blobs = nullptr;
    ModelPool* models = nullptr;
    JobObserver* observer = nullptr;
    const Lpips* lpips = nullptr;  // null: no perceptual distances
  };

  // Begins to run jobs at once.
  JobRunner(Options options, Parts parts);
  ~JobRunner() override;

  void Wake() override;
  void Cancel(const std::string& job_id) override;
  std::map<std::string, double> Metrics() const override;

  // Stops claiming, ends after the step in progress, and gives every job back
  // to the queue with a checkpoint. Returns once that is done, or shortly after
  // `deadline`. Idempotent.
  void Drain(absl::Time deadline);

 private:
  void ClaimAll();
  absl::StatusOr<std::optional<Claimed>> Claim();
  // False: nothing to claim, no room, or a job that cannot be begun now.
  bool ClaimOne();
  bool Run(const Claimed& claimed);
  // Loads what is in running_, and hands it to the engine.
  bool Begin(const Claimed& claimed, const std::shared_ptr<RunningJob>& running);
  // Always true: others may be begun.
  bool CannotLoad(const Claimed& claimed, const absl::Status& status);
  // For a cancellation that came between the claim and the engine.
  void CancelIfAsked(const std::string& job_id);
  void FailToLoad(const Claimed& claimed, const absl::Status& status);
  // Gives back a job that cannot be begun now, but may be later.
  void PutBack(const Claimed& claimed, const absl::Status& status);
  void Upkeep();
  void Forget(const std::vector<JobRecord>& jobs);
  void ReleaseAll(const std::vector<EngineJob>& jobs);

  const Options options_;
  const Parts parts_;
  RunCounters counters_;
  RunningJobs running_;
  JobWriter writer_;
  LoadRetries retries_;  // of the claimer's thread
  bool drained_ = false;
  // Threads, in the order of their start; the drain ends them in another.
  StepSink sink_;
  EngineThread engine_;
  LeaseKeeper leases_;
  PeriodicThread claimer_;
  PeriodicThread upkeep_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_JOB_RUNNER_H_
