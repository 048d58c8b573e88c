#include "server/runner/lease_keeper.h"

#include <utility>

#include "absl/status/status.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "core/jobs/sequence.h"
#include "server/log/audit.h"
#include "server/runner/store_errors.h"

namespace tweedie {

LeaseKeeper::LeaseKeeper(Options options, Parts parts)
    : options_(options),
      parts_(std::move(parts)),
      last_success_(parts_.clock->Steady()),
      thread_("leases", options.heartbeat, [this] { Beat(); }) {}

void LeaseKeeper::Abandon(RunningJob& job, const char* why, const char* counter) {
  if (job.abandoned) return;
  // First: who sees the job gone sees it counted.
  parts_.counters->Add(counter);
  parts_.running->Abandon(job, why);
}

void LeaseKeeper::FenceSelf(const std::vector<std::shared_ptr<RunningJob>>& jobs) {
  if (parts_.clock->Steady() - last_success_ < options_.lease - options_.heartbeat) return;
  for (const auto& job : jobs) {
    if (parts_.running->Find(job->record.id) != job) continue;  // it has ended meanwhile
    Abandon(*job, "no heartbeat reached the store in time", "tweedie_leases_given_up_total");
  }
}

void LeaseKeeper::GiveBack() {
  for (const auto& [lease, job] : parts_.running->TakeLost()) {
    // The numbers below may have been published.
    const absl::StatusOr<JobRecord> released =
        parts_.store->Release(lease, EndOfAttempt(lease.attempt) - 1);
    if (released.ok()) {
      AuditChange(JobChange::kReleased, *released, "its lease was lost");
      parts_.on_given_back(*released);
    } else if (!absl::IsFailedPrecondition(released.status())) {
      ReportStoreError(*parts_.counters, "release", parts_.reserve->MakeRoom(released.status()),
                       &job);
      // Where it may have been done, another try would forgive another crash.
      if (!MayHaveBeenDone(released.status())) parts_.running->AddLost({lease, job});
    }
  }
}

bool LeaseKeeper::EndIsBeingTried(const RunningJob& job) const {
  const absl::StatusOr<JobRecord> now = parts_.store->Get(job.record.id);
  return now.ok() && HasEnded(now->state) && now->attempt == job.lease.attempt;
}

absl::StatusOr<LeaseKeeper::Results> LeaseKeeper::Renew(const std::vector<Lease>& leases) {
  RETURN_IF_ERROR(HitFailpoint("heartbeat.before"));
  ASSIGN_OR_RETURN(Results results, parts_.store->Heartbeat(leases, options_.lease));
  RETURN_IF_ERROR(HitFailpoint("heartbeat.after"));
  return results;
}

void LeaseKeeper::Beat() {
  const std::vector<std::shared_ptr<RunningJob>> jobs = parts_.running->All();
  std::vector<Lease> leases;
  for (const auto& job : jobs) leases.push_back(job->lease);
  const absl::Time now = parts_.clock->Steady();
  const absl::StatusOr<Results> results = Renew(leases);
  if (!results.ok()) {
    ReportStoreError(*parts_.counters, "heartbeat", parts_.reserve->MakeRoom(results.status()));
    return FenceSelf(jobs);
  }
  last_success_ = now;
  for (size_t i = 0; i < jobs.size(); ++i) {
    // A job that ended meanwhile holds no lease either.
    const bool runs = parts_.running->Find(jobs[i]->record.id) == jobs[i];
    if (!(*results)[i].held && runs && !EndIsBeingTried(*jobs[i])) {
      Abandon(*jobs[i], "the lease is another's", "tweedie_fence_rejections_total");
    }
    if ((*results)[i].held && (*results)[i].cancel_requested)
      parts_.running->Cancel(jobs[i]->record.id);
  }
  GiveBack();
}

}  // namespace tweedie
