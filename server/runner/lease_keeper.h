#ifndef TWEEDIE_SERVER_RUNNER_LEASE_KEEPER_H_
#define TWEEDIE_SERVER_RUNNER_LEASE_KEEPER_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/jobs/job_store.h"
#include "server/runner/disk_reserve.h"
#include "server/runner/periodic_thread.h"
#include "server/runner/run_counters.h"
#include "server/runner/running_job.h"

namespace tweedie {

// Keeps the leases of the running jobs, however long a step takes, and hears of
// cancellations made at other servers. A job whose lease is lost, or may be
// because the store did not answer for too long, is abandoned: nothing of it is
// written any more. Once the store answers it is given back, if nobody has rescued it;
// its crash is taken back in any case, as the process has outlived it.
class LeaseKeeper {
 public:
  struct Options {
    absl::Duration lease = absl::Seconds(30);
    absl::Duration heartbeat = absl::Seconds(5);
  };
  // What it works with; all outlive the keeper.
  struct Parts {
    const Clock* clock = nullptr;
    JobStore* store = nullptr;
    RunningJobs* running = nullptr;
    RunCounters* counters = nullptr;
    DiskReserve* reserve = nullptr;
    std::function<void(const JobRecord&)> on_given_back;
  };
  LeaseKeeper(Options options, Parts parts);

  void Stop() { thread_.Stop(); }

 private:
  using Results = std::vector<JobRunnerStore::HeartbeatResult>;
  void Beat();
  absl::StatusOr<Results> Renew(const std::vector<Lease>& leases);
  // Whether the job ended here, though the reply that said so was lost: who tries
  // again finds that out.
  bool EndIsBeingTried(const RunningJob& job) const;
  void Abandon(RunningJob& job, const char* why, const char* counter);
  // Gives up all jobs if the last success is too long ago.
  void FenceSelf(const std::vector<std::shared_ptr<RunningJob>>& jobs);
  // The jobs that were abandoned.
  void GiveBack();

  const Options options_;
  const Parts parts_;
  absl::Time last_success_;  // of the keeper's thread
  PeriodicThread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_LEASE_KEEPER_H_
