#include "server/runner/lease_keeper.h"

#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "server/runner/store_errors.h"

namespace tweedie {

LeaseKeeper::LeaseKeeper(Options options, const Clock* clock, JobStore* store, RunningJobs* running,
                         RunCounters* counters, DiskReserve* reserve)
    : options_(options),
      clock_(clock),
      store_(store),
      running_(running),
      counters_(counters),
      reserve_(reserve),
      last_success_(clock->Steady()),
      thread_(options.heartbeat, [this] { Beat(); }) {}

void LeaseKeeper::Abandon(RunningJob& job, const char* why, const char* counter) {
  // First: who sees the job gone sees it counted.
  counters_->Add(counter);
  running_->Abandon(job, why);
}

void LeaseKeeper::FenceSelf(const std::vector<std::shared_ptr<RunningJob>>& jobs) {
  if (clock_->Steady() - last_success_ < options_.lease - options_.heartbeat) return;
  for (const auto& job : jobs) {
    Abandon(*job, "no heartbeat reached the store in time", "tweedie_leases_given_up_total");
  }
}

bool LeaseKeeper::EndIsBeingTried(const RunningJob& job) const {
  const absl::StatusOr<JobRecord> now = store_->Get(job.record.id);
  return now.ok() && HasEnded(now->state) && now->attempt == job.lease.attempt;
}

absl::StatusOr<LeaseKeeper::Results> LeaseKeeper::Renew(const std::vector<Lease>& leases) {
  RETURN_IF_ERROR(HitFailpoint("heartbeat.before"));
  ASSIGN_OR_RETURN(Results results, store_->Heartbeat(leases, options_.lease));
  RETURN_IF_ERROR(HitFailpoint("heartbeat.after"));
  return results;
}

void LeaseKeeper::Beat() {
  const std::vector<std::shared_ptr<RunningJob>> jobs = running_->All();
  std::vector<Lease> leases;
  for (const auto& job : jobs) leases.push_back(job->lease);
  const absl::Time now = clock_->Steady();
  const absl::StatusOr<Results> results = Renew(leases);
  if (!results.ok()) {
    ReportStoreError(*counters_, "heartbeat", reserve_->MakeRoom(results.status()));
    return FenceSelf(jobs);
  }
  last_success_ = now;
  for (size_t i = 0; i < jobs.size(); ++i) {
    // A job that ended meanwhile holds no lease either.
    const bool runs = running_->Find(jobs[i]->record.id) == jobs[i];
    if (!(*results)[i].held && runs && !EndIsBeingTried(*jobs[i])) {
      Abandon(*jobs[i], "the lease is another's", "tweedie_fence_rejections_total");
    }
    if ((*results)[i].held && (*results)[i].cancel_requested) running_->Cancel(jobs[i]->record.id);
  }
}

}  // namespace tweedie
