#include "server/runner/job_runner.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "core/engine/call_failure.h"
#include "server/log/audit.h"
#include "server/runner/job_loader.h"
#include "server/runner/store_errors.h"
#include "server/runner/tensor_memory.h"

namespace tweedie {
namespace {

// Passes of one upkeep: what is left then waits for the next.
constexpr int kMaxExpiryPasses = 100;

// Shown from the start, so that the first of a kind is seen as a rise.
constexpr const char* kCounters[] = {"tweedie_fence_rejections_total",
                                     "tweedie_leases_given_up_total", "tweedie_jobs_rescued_total",
                                     "tweedie_jobs_quarantined_total"};

// By the smallest power of two that the rows of the call do not exceed.
constexpr double kStepBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                  0.5,   1,      2.5,   5,    10,    30,   60,  300};
constexpr Histogram kStepSeconds = {"tweedie_step_seconds", kStepBounds};
constexpr double kRowBounds[] = {1, 2, 4, 8, 16, 32, 64};
constexpr Histogram kBatchRows = {"tweedie_batch_rows", kRowBounds};

void AddTensorMemory(const SharedDevice& shared, std::map<std::string, double>& values) {
  const auto add = [&values](const std::string& device, int64_t bytes) {
    values[absl::StrCat("tweedie_allocator_bytes{device=\"", device, "\"}")] =
        static_cast<double>(bytes);
  };
  add("cpu", TensorBytes());
  if (shared.steps == nullptr || shared.steps->device().is_cpu()) return;
  const absl::StatusOr<int64_t> bytes = DeviceTensorBytes(shared.steps->device());
  if (bytes.ok()) add(shared.steps->device().str(), *bytes);
}

}  // namespace

JobRunner::JobRunner(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      writer_(parts.store, parts.blobs, parts.observer, &running_, &counters_, parts.reserve),
      retries_(options_.retries),
      outages_(options_.lease, parts.clock, parts.store),
      sink_(options_.sink, parts.clock, &running_, &writer_, parts.observer,
            {[this] { Wake(); }, [this](const JobId& id) { LetOthersJoin(id); }}),
      engine_(
          {options_.engine, [this](absl::Duration took, int64_t rows) { CountStep(took, rows); }},
          &sink_),
      watchdog_(options_.step_limit, {[this] { return engine_.progress() + 2 * *operator_uses_; },
                                      [this] { OnHang(); }, options_.on_alive}),
      leases_(options_.lease, {parts.clock, parts.store, &running_, &counters_, parts.reserve,
                               [this](const JobRecord& job) {
                                 parts_.observer->OnJobChanged(job);
                                 Wake();
                               }}),
      costs_(options_.costs, parts.models, &engine_),
      claimer_("claimer", options_.poll, [this] { Pass(); }),
      upkeep_("upkeep", options_.upkeep, [this] { Upkeep(); }) {
  for (const char* counter : kCounters) counters_.Add(counter, 0);
  for (const JobState end : {JobState::kSucceeded, JobState::kFailed, JobState::kCancelled}) {
    counters_.Add(FinishedCounter(end), 0);
  }
  for (const char* call : kStoreCalls) counters_.Add(StoreErrorCounter(call), 0);
  counters_.Declare(kBatchRows);
}

JobRunner::~JobRunner() { Drain(absl::Now() + absl::Seconds(5)); }

void JobRunner::Wake() { claimer_.Wake(); }

void JobRunner::Cancel(const std::string& job_id) {
  // NOT_FOUND: it does not run here, or has just ended.
  engine_.Cancel(job_id).IgnoreError();
}

absl::Status JobRunner::CheckRoom() const {
  if (parts_.reserve->held()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "the disk is full: jobs that run go on, new ones are taken when there is room again");
}

void JobRunner::MakeRoom(const absl::Status& status) {
  parts_.reserve->MakeRoom(status).IgnoreError();
}

std::map<std::string, double> JobRunner::Metrics() const {
  std::map<std::string, double> values = counters_.Values();
  values["tweedie_running_jobs"] = running_.size();
  values["tweedie_engine_jobs"] = engine_.num_jobs();
  values["tweedie_engine_stalled_seconds"] = absl::ToDoubleSeconds(watchdog_.stalled());
  values["tweedie_batch_padding_rows_total"] =
      static_cast<double>(*parts_.models->device().padding_rows);
  AddTensorMemory(parts_.models->device(), values);
  values["tweedie_disk_free_bytes"] = static_cast<double>(parts_.reserve->free_bytes());
  values["tweedie_disk_reserve_held"] = parts_.reserve->held() ? 1 : 0;
  return values;
}

void JobRunner::CountStep(absl::Duration took, int64_t rows) {
  int64_t most = 1;
  while (most < rows) most *= 2;
  counters_.Observe(kStepSeconds, absl::ToDoubleSeconds(took), absl::StrCat("rows=\"", most, "\""));
  counters_.Observe(kBatchRows, static_cast<double>(rows));
}

void JobRunner::LetOthersJoin(const JobId& id) {
  // NOT_FOUND: it has ended, which lets the others go on as well.
  engine_.Join(id).IgnoreError();
  Wake();
}

void JobRunner::OnHang() {
  std::vector<std::string> ids;
  for (const auto& job : running_.All()) ids.push_back("jobs/" + job->record.id);
  spdlog::critical("a step has not ended in {}; ending the process, so that its jobs go on: {}",
                   absl::FormatDuration(options_.step_limit), absl::StrJoin(ids, " "));
  spdlog::default_logger()->flush();
  options_.on_hang();
}

void JobRunner::MeasureCalls() {
  measuring_ = true;
  Wake();
}

void JobRunner::Pass() {
  ClaimAll();
  if (measuring_ && !draining_) costs_.Look();
}

void JobRunner::ClaimAll() {
  while (ClaimOne()) {
  }
}

absl::StatusOr<std::optional<Claimed>> JobRunner::Claim() {
  ClaimRequest request;
  request.server = options_.server;
  request.device = options_.device;
  request.models = parts_.models->Available();
  request.except = retries_.Waiting(parts_.clock->Steady());
  request.most_cost_bytes = options_.max_cost_bytes;
  request.max_cost_bytes = options_.max_cost_bytes - running_.cost_bytes();
  request.lease_duration = options_.lease.lease;
  RETURN_IF_ERROR(HitFailpoint("claim.before"));
  ASSIGN_OR_RETURN(std::optional<Claimed> claimed, parts_.store->Claim(request));
  if (claimed.has_value()) RETURN_IF_ERROR(HitFailpoint("claim.after"));
  return claimed;
}

bool JobRunner::ClaimOne() {
  if (draining_ || running_.size() >= options_.engine.max_running_jobs) return false;
  // Whoever joined a suspect now would be one after its next crash.
  if (running_.has_unproven()) return false;
  const absl::StatusOr<std::optional<Claimed>> claimed = Claim();
  if (!claimed.ok()) {
    ReportStoreError(counters_, "claim", parts_.reserve->MakeRoom(claimed.status()));
    return false;
  }
  if (!claimed->has_value()) return false;
  return Run(**claimed);
}

bool JobRunner::Run(const Claimed& claimed) {
  const JobRecord& job = claimed.job;
  AuditChange(JobChange::kClaimed, job);
  // This attempt is one of them.
  if (job.crashes > options_.max_crashes) return Condemn(claimed);
  if (engine_.Has(job.id)) {
    // From before its lease ran out: a suspended process, say. What it reports
    // on its way out must not be taken for this attempt's.
    Cancel(job.id);
    PutBack(claimed, absl::UnavailableError("an earlier attempt is still in the engine"));
    retries_.Wait(job.id, parts_.clock->Steady());
    return true;
  }
  // Before it is loaded, which may take longer than a lease: leases_ keeps those
  // of running_. Before the engine can report it, too.
  const std::shared_ptr<RunningJob> running = MakeRunningJob(claimed, *parts_.clock);
  running_.Add(running);
  parts_.observer->OnJobChanged(job);
  // Perhaps before that.
  if (running->abandoned) parts_.observer->OnJobLost(job);
  return Begin(claimed, running);
}

bool JobRunner::Begin(const Claimed& claimed, const std::shared_ptr<RunningJob>& running) {
  const std::string& id = claimed.job.id;
  absl::StatusOr<EngineJob> loaded =
      LoadJob(*running, *parts_.models, *parts_.blobs, operator_uses_);
  // Its lease was lost meanwhile: it is another's, or will be rescued.
  if (running->abandoned) return true;
  if (IsDeviceLost(loaded.status())) sink_.GiveDeviceUp(loaded.status());
  if (!loaded.ok()) {
    // First, so that leases_ does not take the lease given back for one lost.
    running_.Remove(*running);
    return CannotLoad(claimed, loaded.status());
  }
  retries_.Forget(id);
  if (draining_) {
    running_.Remove(*running);
    PutBack(claimed, absl::UnavailableError("the server is stopping"));
    return false;
  }
  running->targets.lpips = parts_.lpips;
  const absl::Status submitted = engine_.Submit(*std::move(loaded));
  if (!submitted.ok()) {
    running_.Remove(*running);
    PutBack(claimed, submitted);
    return false;
  }
  // Abandoned since, perhaps before the engine had it to cancel.
  running->abandoned ? Cancel(id) : CancelIfAsked(id);
  return true;
}

bool JobRunner::CannotLoad(const Claimed& claimed, const absl::Status& status) {
  if (MayLoadLater(status) && retries_.Failed(claimed.job.id, parts_.clock->Steady())) {
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
  FailUnrun(claimed, {status.code(), std::string(status.message()), "LOAD_FAILED"});
}

bool JobRunner::Condemn(const Claimed& claimed) {
  counters_.Add("tweedie_jobs_quarantined_total");
  const std::string message =
      absl::StrCat("the server died ", options_.max_crashes,
                   " times while it ran the job, which got no further in between");
  FailUnrun(claimed, {absl::StatusCode::kAborted, message, "QUARANTINED"});
  return true;
}

void JobRunner::FailUnrun(const Claimed& claimed, const JobFailure& failure) {
  JobEnd end;
  end.event = JobEvent::kFail;
  end.progress = claimed.job.progress;
  end.last_sequence = claimed.job.sequence;
  end.failure = failure;
  const absl::StatusOr<JobRecord> ended = parts_.store->Finish(claimed.lease, end);
  if (ended.ok()) {
    counters_.Add(FinishedCounter(ended->state));
    AuditChange(JobChange::kEnded, *ended);
    parts_.observer->OnJobChanged(*ended);
    RemoveBlob(claimed.job.checkpoint.name);
  } else {
    // Its lease runs out, and it is tried again.
    LogJob(spdlog::level::err, claimed.job,
           absl::StrCat("to be ended: ", failure.reason, ": ", failure.message));
    ReportUnwritten(claimed, "finish", ended.status());
  }
}

void JobRunner::PutBack(const Claimed& claimed, const absl::Status& status) {
  const absl::StatusOr<JobRecord> released =
      parts_.store->Release(claimed.lease, claimed.job.sequence);
  if (released.ok()) {
    AuditChange(JobChange::kReleased, *released, status.ToString());
    parts_.observer->OnJobChanged(*released);
  } else {
    LogJob(spdlog::level::warn, claimed.job, absl::StrCat("to be given back: ", status.ToString()));
    ReportUnwritten(claimed, "release", released.status());
  }
}

void JobRunner::ReportUnwritten(const Claimed& claimed, absl::string_view call,
                                const absl::Status& status) {
  if (absl::IsFailedPrecondition(status)) counters_.Add("tweedie_fence_rejections_total");
  ReportStoreError(counters_, call, parts_.reserve->MakeRoom(status), &claimed.job);
  parts_.observer->OnJobLost(claimed.job);
}

void JobRunner::RemoveBlob(const std::string& name) const {
  if (name.empty()) return;
  const absl::Status removed = parts_.blobs->Remove(name);
  // What cannot be removed now is swept at the next start.
  if (!removed.ok()) spdlog::warn("blob {}: {}", name, removed.ToString());
}

void JobRunner::Forget(const std::vector<JobRecord>& jobs) {
  for (const JobRecord& job : jobs) {
    AuditChange(JobChange::kExpired, job);
    for (const BlobRef* blob : {&job.input, &job.checkpoint, &job.result}) RemoveBlob(blob->name);
    parts_.observer->OnJobDeleted(job.id);
  }
}

void JobRunner::Upkeep() {
  RestoreReserve();
  RescueJobs();
  ExpireJobs();
}

void JobRunner::RestoreReserve() {
  if (parts_.reserve->held()) return;
  const absl::Status restored = parts_.reserve->Restore();
  if (restored.ok()) return spdlog::info("the disk has room again: new jobs are taken");
  if (!absl::IsResourceExhausted(restored)) {
    spdlog::error("reserve: {}", std::string(restored.message()));
  }
}

void JobRunner::RescueJobs() {
  const absl::StatusOr<bool> could_renew = outages_.EveryoneCouldRenew();
  if (!could_renew.ok()) {
    return ReportStoreError(counters_, "rescue", parts_.reserve->MakeRoom(could_renew.status()));
  }
  if (!*could_renew) return;
  const absl::StatusOr<std::vector<JobRecord>> rescued = parts_.store->Rescue(/*all=*/false);
  if (rescued.ok()) {
    for (const JobRecord& job : *rescued) {
      counters_.Add("tweedie_jobs_rescued_total");
      AuditChange(JobChange::kRescued, job);
      parts_.observer->OnJobChanged(job);
    }
    if (!rescued->empty()) Wake();
  } else {
    ReportStoreError(counters_, "rescue", parts_.reserve->MakeRoom(rescued.status()));
  }
}

void JobRunner::ExpireJobs() {
  for (int pass = 0; pass < kMaxExpiryPasses && !draining_; ++pass) {
    const absl::StatusOr<std::vector<JobRecord>> expired = parts_.store->Expire();
    if (!expired.ok()) {
      return ReportStoreError(counters_, "expire", parts_.reserve->MakeRoom(expired.status()));
    }
    if (expired->empty()) return;
    Forget(*expired);
  }
}

void JobRunner::ReleaseAll(const std::vector<EngineJob>& jobs, absl::Time deadline) {
  for (const EngineJob& job : jobs) {
    const std::shared_ptr<RunningJob> running = running_.Find(job.id);
    if (running == nullptr) continue;
    if (absl::Now() > deadline) {
      LogJob(spdlog::level::err, running->record, "could not be given back in time");
      continue;
    }
    // If not, its lease runs out (or the next start rescues it), and it goes on then.
    writer_.Release(*running, *job.method).IgnoreError();
  }
}

void JobRunner::Drain(absl::Time deadline) {
  if (draining_.exchange(true)) return;
  const std::vector<EngineJob> jobs = engine_.Stop();
  watchdog_.Stop();
  sink_.Stop(deadline);
  // Before ends that the store has refused, which may be refused for long.
  ReleaseAll(jobs, deadline);
  sink_.FinishRest(deadline);
  // Last: they may be in the middle of a load, which nothing else waits for.
  claimer_.Stop();
  ReleaseAll(engine_.Stop(), deadline);
  upkeep_.Stop();
  leases_.Stop();
}

}  // namespace tweedie
