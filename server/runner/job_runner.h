#ifndef TWEEDIE_SERVER_RUNNER_JOB_RUNNER_H_
#define TWEEDIE_SERVER_RUNNER_JOB_RUNNER_H_

#include <atomic>
#include <cstdlib>
#include <functional>
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
#include "server/runner/cost_keeper.h"
#include "server/runner/disk_reserve.h"
#include "server/runner/job_observer.h"
#include "server/runner/job_writer.h"
#include "server/runner/lease_keeper.h"
#include "server/runner/load_retries.h"
#include "server/runner/model_pool.h"
#include "server/runner/outage_watch.h"
#include "server/runner/periodic_thread.h"
#include "server/runner/progress_watchdog.h"
#include "server/runner/runner_control.h"
#include "server/runner/step_sink.h"
#include "server/runner/watched_operator.h"

namespace tweedie {

// Runs jobs: claims them from the store, feeds the engine, keeps the leases,
// writes checkpoints and results, and cleans up what has expired. A job that was
// running when the process died is a suspect: it runs alone until it is further
// on than it was then (docs/adr/0023). Thread-safe.
class JobRunner final : public RunnerControl {
 public:
  struct Options {
    std::string server;  // name among the servers of one queue
    std::string device;
    Engine::Options engine;
    int64_t max_cost_bytes = int64_t{2} << 30;  // of all jobs that run
    absl::Duration poll = absl::Seconds(1);
    // A job during whose run the process died so often, with no checkpoint further
    // on in between, is not run again.
    int max_crashes = 3;
    // How long a step may take (a zero: for ever), and what ends the process then.
    absl::Duration step_limit = absl::Minutes(5);
    std::function<void()> on_hang = [] { std::abort(); };
    // Told again and again while the engine gets on, or has nothing to do. May be empty.
    std::function<void()> on_alive;
    absl::Duration upkeep = absl::Seconds(3);
    LeaseKeeper::Options lease;
    LoadRetries::Options retries;
    StepSink::Options sink;
    CostKeeper::Options costs;  // see MeasureCalls()
  };
  // What it works with; everything outlives the runner.
  struct Parts {
    const Clock* clock = nullptr;
    JobStore* store = nullptr;
    const BlobStore* blobs = nullptr;
    ModelPool* models = nullptr;
    JobObserver* observer = nullptr;
    DiskReserve* reserve = nullptr;
    const Lpips* lpips = nullptr;  // null: no perceptual distances
  };

  // Begins to run jobs at once.
  JobRunner(Options options, Parts parts);
  ~JobRunner() override;

  void Wake() override;
  void Cancel(const std::string& job_id) override;
  absl::Status CheckRoom() const override;
  void MakeRoom(const absl::Status& status) override;
  std::map<std::string, double> Metrics() const override;

  // From now on the sizes of calls are chosen by what they cost, which is measured, or
  // read, for each network as it comes into memory. Once the server is ready: measuring
  // takes seconds of the engine's time.
  void MeasureCalls();

  // Stops claiming, ends after the step in progress, and gives every job back
  // to the queue with a checkpoint. Returns once that is done, or shortly after
  // `deadline`. Idempotent.
  void Drain(absl::Time deadline);

 private:
  // The claimer's work.
  void Pass();
  void ClaimAll();
  absl::StatusOr<std::optional<Claimed>> Claim();
  // False: nothing to claim, no room, or a job that cannot be begun now.
  bool ClaimOne();
  bool Run(const Claimed& claimed);
  // Ends a job that killed the process too often. Always true.
  bool Condemn(const Claimed& claimed);
  void CountStep(absl::Duration took, int64_t rows);
  // A suspect is one no longer.
  void LetOthersJoin(const JobId& id);
  void OnHang();
  // Loads what is in running_, and hands it to the engine.
  bool Begin(const Claimed& claimed, const std::shared_ptr<RunningJob>& running);
  // Always true: others may be begun.
  bool CannotLoad(const Claimed& claimed, const absl::Status& status);
  // For a cancellation that came between the claim and the engine.
  void CancelIfAsked(const std::string& job_id);
  void FailToLoad(const Claimed& claimed, const absl::Status& status);
  // Ends a job that never came to the engine.
  void FailUnrun(const Claimed& claimed, const JobFailure& failure);
  // Says that the store did not take the end, or the giving back, of a job.
  void ReportUnwritten(const Claimed& claimed, absl::string_view call, const absl::Status& status);
  void RemoveBlob(const std::string& name) const;
  // Gives back a job that cannot be begun now, but may be later.
  void PutBack(const Claimed& claimed, const absl::Status& status);
  void Upkeep();
  void RescueJobs();
  void ExpireJobs();
  void RestoreReserve();
  void Forget(const std::vector<JobRecord>& jobs);
  // Those that are left at `deadline` are not given back.
  void ReleaseAll(const std::vector<EngineJob>& jobs, absl::Time deadline);

  const Options options_;
  const Parts parts_;
  RunCounters counters_;
  RunningJobs running_{[this](const std::string& id) { Cancel(id); },
                       [this](const JobRecord& job) { parts_.observer->OnJobLost(job); }};
  JobWriter writer_;
  LoadRetries retries_;  // of the claimer's thread
  OutageWatch outages_;  // of the upkeep's thread
  std::atomic<bool> draining_ = false;
  std::atomic<bool> measuring_ = false;
  const std::shared_ptr<OperatorUses> operator_uses_ = std::make_shared<OperatorUses>(0);
  // Threads, in the order of their start; the drain ends them in another.
  StepSink sink_;
  EngineThread engine_;
  ProgressWatchdog watchdog_;
  LeaseKeeper leases_;
  CostKeeper costs_;  // of the claimer's thread
  PeriodicThread claimer_;
  PeriodicThread upkeep_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_JOB_RUNNER_H_
