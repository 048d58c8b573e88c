#include "server/runner/job_runner.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "server/runner/job_loader.h"

namespace tweedie {
namespace {

// Passes of one upkeep: what is left then waits for the next.
constexpr int kMaxExpiryPasses = 100;

}  // namespace

JobRunner::JobRunner(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      writer_(parts.store, parts.blobs, parts.observer, &running_, &counters_),
      retries_(options_.retries),
      sink_(options_.sink, parts.clock, &running_, &writer_, parts.observer, [this] { Wake(); }),
      engine_({options_.engine,
               [this](absl::Duration step) {
                 counters_.Add("tweedie_step_seconds_sum", absl::ToDoubleSeconds(step));
                 counters_.Add("tweedie_step_seconds_count");
               }},
              &sink_),
      leases_(options_.lease, parts.clock, parts.store, &running_, &counters_,
              [this](const std::string& id) { Cancel(id); }),
      claimer_(options_.poll, [this] { ClaimAll(); }),
      upkeep_(options_.upkeep, [this] { Upkeep(); }) {}

JobRunner::~JobRunner() { Drain(parts_.clock->Now()); }

void JobRunner::Wake() { claimer_.Wake(); }

void JobRunner::Cancel(const std::string& job_id) {
  // NOT_FOUND: it does not run here, or has just ended.
  engine_.Cancel(job_id).IgnoreError();
}

std::map<std::string, double> JobRunner::Metrics() const {
  std::map<std::string, double> values = counters_.Values();
  values["tweedie_running_jobs"] = running_.size();
  return values;
}

void JobRunner::ClaimAll() {
  while (ClaimOne()) {
  }
}

absl::StatusOr<std::optional<Claimed>> JobRunner::Claim() {
  ClaimRequest request;
  request.server = options_.server;
  request.device = options_.device;
  request.models = parts_.models->names();
  request.except = retries_.Waiting(parts_.clock->Now());
  request.max_cost_bytes = options_.max_cost_bytes - running_.cost_bytes();
  request.lease_duration = options_.lease.lease;
  RETURN_IF_ERROR(HitFailpoint("claim.before"));
  ASSIGN_OR_RETURN(std::optional<Claimed> claimed, parts_.store->Claim(request));
  if (claimed.has_value()) RETURN_IF_ERROR(HitFailpoint("claim.after"));
  return claimed;
}

bool JobRunner::ClaimOne() {
  if (running_.size() >= options_.engine.max_running_jobs) return false;
  const absl::StatusOr<std::optional<Claimed>> claimed = Claim();
  if (!claimed.ok()) {
    spdlog::error("claim: {}", claimed.status().ToString());
    return false;
  }
  if (!claimed->has_value()) return false;
  return Run(**claimed);
}

bool JobRunner::Run(const Claimed& claimed) {
  const JobRecord& job = claimed.job;
  spdlog::info("job=jobs/{} state=RUNNING attempt={} images={} step={} queue_ms={}", job.id,
               job.attempt, job.num_images, job.progress.step,
               absl::ToInt64Milliseconds(parts_.clock->Now() - job.create_time));
  if (engine_.Has(job.id)) {
    // From before its lease ran out: a suspended process, say. What it reports
    // on its way out must not be taken for this attempt's.
    Cancel(job.id);
    PutBack(claimed, absl::UnavailableError("an earlier attempt is still in the engine"));
    retries_.Wait(job.id, parts_.clock->Now());
    return true;
  }
  // Before it is loaded, which may take longer than a lease: leases_ keeps those
  // of running_. Before the engine can report it, too.
  const std::shared_ptr<RunningJob> running = MakeRunningJob(claimed, *parts_.clock);
  running_.Add(running);
  parts_.observer->OnJobChanged(job);
  return Begin(claimed, running);
}

bool JobRunner::Begin(const Claimed& claimed, const std::shared_ptr<RunningJob>& running) {
  const std::string& id = claimed.job.id;
  absl::StatusOr<EngineJob> loaded = LoadJob(*running, *parts_.models, *parts_.blobs);
  // Its lease was lost meanwhile: it is another's, or will be rescued.
  if (running->abandoned) return true;
  if (!loaded.ok()) {
    // First, so that leases_ does not take the lease given back for one lost.
    running_.Remove(id);
    return CannotLoad(claimed, loaded.status());
  }
  retries_.Forget(id);
  running->targets.lpips = parts_.lpips;
  const absl::Status submitted = engine_.Submit(*std::move(loaded));
  if (!submitted.ok()) {
    running_.Remove(id);
    PutBack(claimed, submitted);
    return false;
  }
  // Abandoned since, perhaps before the engine had it to cancel.
  running->abandoned ? Cancel(id) : CancelIfAsked(id);
  return true;
}

bool JobRunner::CannotLoad(const Claimed& claimed, const absl::Status& status) {
  if (MayLoadLater(status) && retries_.Failed(claimed.job.id, parts_.clock->Now())) {
    PutBack(claimed, status);
  } else {
    retries_.Forget(claimed.job.id);
    FailToLoad(claimed, status);
  }
  return true;
}

void JobRunner::CancelIfAsked(const std::string& job_id) {
  const absl::StatusOr<JobRecord> now = parts_.store->Get(job_id);
  if (now.ok() && now->cancel_requested) Cancel(job_id);
}

void JobRunner::FailToLoad(const Claimed& claimed, const absl::Status& status) {
  JobEnd end;
  end.event = JobEvent::kFail;
  end.progress = claimed.job.progress;
  end.last_sequence = claimed.job.sequence;
  end.failure = {status.code(), std::string(status.message()), "LOAD_FAILED"};
  spdlog::error("job=jobs/{} state=FAILED: {}", claimed.job.id, status.ToString());
  const absl::StatusOr<JobRecord> ended = parts_.store->Finish(claimed.lease, end);
  if (ended.ok()) {
    parts_.observer->OnJobChanged(*ended);
  } else {
    // Its lease runs out, and it is tried again.
    spdlog::error("job=jobs/{} finish: {}", claimed.job.id, ended.status().ToString());
  }
}

void JobRunner::PutBack(const Claimed& claimed, const absl::Status& status) {
  spdlog::warn("job=jobs/{} state=QUEUED again: {}", claimed.job.id, status.ToString());
  const absl::StatusOr<JobRecord> released =
      parts_.store->Release(claimed.lease, claimed.job.sequence);
  if (released.ok()) {
    parts_.observer->OnJobChanged(*released);
  } else {
    spdlog::error("job=jobs/{} release: {}", claimed.job.id, released.status().ToString());
  }
}

void JobRunner::Forget(const std::vector<JobRecord>& jobs) {
  for (const JobRecord& job : jobs) {
    for (const BlobRef* blob : {&job.input, &job.checkpoint, &job.result}) {
      if (blob->name.empty()) continue;
      const absl::Status removed = parts_.blobs->Remove(blob->name);
      if (!removed.ok()) spdlog::warn("blob {}: {}", blob->name, removed.ToString());
    }
    parts_.observer->OnJobDeleted(job.id);
  }
}

void JobRunner::Upkeep() {
  const absl::StatusOr<std::vector<JobRecord>> rescued = parts_.store->Rescue(/*all=*/false);
  if (rescued.ok()) {
    for (const JobRecord& job : *rescued) {
      counters_.Add("tweedie_jobs_rescued_total");
      parts_.observer->OnJobChanged(job);
    }
    if (!rescued->empty()) Wake();
  } else {
    spdlog::error("rescue: {}", rescued.status().ToString());
  }
  for (int pass = 0; pass < kMaxExpiryPasses; ++pass) {
    const absl::StatusOr<std::vector<JobRecord>> expired = parts_.store->Expire();
    if (!expired.ok()) return spdlog::error("retention: {}", expired.status().ToString());
    if (expired->empty()) return;
    Forget(*expired);
  }
}

void JobRunner::ReleaseAll(const std::vector<EngineJob>& jobs) {
  for (const EngineJob& job : jobs) {
    const std::shared_ptr<RunningJob> running = running_.Find(job.id);
    if (running == nullptr) continue;
    const absl::Status released = writer_.Release(*running, *job.method);
    // Its lease runs out (or the next start rescues it), and it goes on then.
    if (!released.ok()) spdlog::error("job=jobs/{} release: {}", job.id, released.ToString());
  }
}

void JobRunner::Drain(absl::Time deadline) {
  if (std::exchange(drained_, true)) return;
  upkeep_.Stop();
  claimer_.Stop();
  const std::vector<EngineJob> jobs = engine_.Stop();
  sink_.Stop(deadline);
  ReleaseAll(jobs);
  leases_.Stop();
}

}  // namespace tweedie
