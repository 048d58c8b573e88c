#include "core/engine/engine.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/engine/call_failure.h"

namespace tweedie {
namespace {

// A step of a method, with what LibTorch throws turned into a status.
absl::StatusOr<bool> AdvanceSafely(ResidentJob& job) {
  try {
    return job.Advance();
  } catch (const std::exception&) {
    return CaughtFailure("the step");
  }
}

// How many rows urgent jobs wait for that can share a call with those of `like`; at
// least 1 if any is urgent, since it waits for other calls too.
int64_t UrgentRows(const std::vector<ResidentJob*>& jobs, const ResidentJob& like) {
  int64_t rows = 0;
  bool any = false;
  for (const ResidentJob* job : jobs) {
    if (!job->job().urgent) continue;
    any = true;
    const bool alike = job->job().denoiser == like.job().denoiser &&
                       job->needs_gradient() == like.needs_gradient();
    if (alike) rows += job->rows_left();
  }
  return any ? std::max<int64_t>(rows, 1) : 0;
}

}  // namespace

absl::Status Engine::Submit(EngineJob job) {
  absl::MutexLock lock(&mu_);
  if (static_cast<int>(jobs_.size()) >= options_.max_running_jobs) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the engine runs ", jobs_.size(), " jobs, which is its limit"));
  }
  if (!jobs_.insert(job.id).second) {
    return absl::AlreadyExistsError(absl::StrCat("job ", job.id, " is in the engine"));
  }
  inbox_.push_back(std::move(job));
  return absl::OkStatus();
}

absl::Status Engine::Cancel(const JobId& id) {
  absl::MutexLock lock(&mu_);
  if (jobs_.count(id) == 0) return absl::NotFoundError(absl::StrCat("no job ", id));
  cancelled_.insert(id);
  return absl::OkStatus();
}

absl::Status Engine::Join(const JobId& id) {
  absl::MutexLock lock(&mu_);
  if (jobs_.count(id) == 0) return absl::NotFoundError(absl::StrCat("no job ", id));
  joined_.insert(id);
  return absl::OkStatus();
}

bool Engine::Has(const JobId& id) const {
  absl::MutexLock lock(&mu_);
  return jobs_.count(id) > 0;
}

int Engine::num_jobs() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(jobs_.size());
}

void Engine::Admit() {
  std::vector<EngineJob> arrived;
  std::set<JobId> cancelled;
  std::set<JobId> joined;
  {
    // Together, or a job submitted and cancelled in between would run on.
    absl::MutexLock lock(&mu_);
    arrived.swap(inbox_);
    cancelled.swap(cancelled_);
    joined.swap(joined_);
  }
  for (EngineJob& job : arrived) AdmitJob(std::move(job));
  for (const JobId& id : joined) {
    if (const auto it = resident_.find(id); it != resident_.end()) it->second.Join();
  }
  for (const JobId& id : cancelled) {
    EndJob(id, absl::CancelledError("the job was cancelled"));
  }
}

void Engine::AdmitJob(EngineJob job) {
  const JobId id = job.id;
  // A job that is restored after its last step has nothing left to do.
  if (!job.method->NextQuery().has_value()) {
    sink_->OnDone(id, absl::OkStatus(), *job.method);
    absl::MutexLock lock(&mu_);
    jobs_.erase(id);
    cancelled_.erase(id);
    joined_.erase(id);
    return;
  }
  scheduler_.Add(id, job.creator, job.weight);
  resident_.emplace(id, ResidentJob(std::move(job)));
}

void Engine::EndJob(const JobId& id, const absl::Status& status) {
  const auto it = resident_.find(id);
  if (it == resident_.end()) return;
  sink_->OnDone(id, status, *it->second.job().method);
  resident_.erase(it);
  scheduler_.Remove(id);
  absl::MutexLock lock(&mu_);
  jobs_.erase(id);
  cancelled_.erase(id);
  joined_.erase(id);
}

void Engine::AdvanceIfComplete(ResidentJob& job) {
  if (!job.complete()) return;
  const JobId id = job.job().id;
  const absl::StatusOr<bool> goes_on = AdvanceSafely(job);
  if (!goes_on.ok()) return EndJob(id, goes_on.status());
  sink_->OnStep(id, *job.job().method);
  if (!*goes_on) EndJob(id, absl::OkStatus());
}

std::vector<ResidentJob*> Engine::Candidates() {
  std::vector<ResidentJob*> jobs;
  for (auto& [id, job] : resident_) {
    if (job.job().alone) return {&job};
    jobs.push_back(&job);
  }
  return jobs;
}

std::vector<RowScheduler::Waiting> Engine::Describe(const std::vector<ResidentJob*>& jobs) const {
  std::vector<RowScheduler::Waiting> waiting;
  for (const ResidentJob* job : jobs) {
    const bool gradient = job->needs_gradient();
    RowScheduler::Waiting described{job->job().id, job->rows_left(), job->job().denoiser, gradient,
                                    gradient ? options_.gradient_row_cost : 1};
    const auto sizes = job->job().sizes == nullptr ? nullptr : job->job().sizes->Get();
    if (sizes != nullptr) {
      if (gradient) described.row_cost = sizes->gradient_row_cost();
      described.max_rows = sizes->MaxRows(gradient, UrgentRows(jobs, *job));
    }
    waiting.push_back(std::move(described));
  }
  return waiting;
}

std::vector<BatchPart> Engine::NextBatch() {
  const std::vector<ResidentJob*> jobs = Candidates();
  const std::vector<RowScheduler::Waiting> waiting = Describe(jobs);
  std::vector<BatchPart> parts;
  for (const auto& share : scheduler_.Pick(waiting, options_.max_batch_rows)) {
    parts.push_back({jobs[share.index], share.rows, absl::OkStatus()});
  }
  return parts;
}

bool Engine::StepOnce() {
  Admit();
  std::vector<BatchPart> parts = NextBatch();
  if (parts.empty()) return false;
  last_rows_ = 0;
  for (const BatchPart& part : parts) last_rows_ += part.rows;
  EvaluateBatch(parts);
  for (BatchPart& part : parts) {
    if (part.status.ok()) {
      AdvanceIfComplete(*part.job);
    } else {
      EndJob(JobId(part.job->job().id), part.status);
    }
  }
  return true;
}

std::vector<EngineJob> Engine::Evict() {
  Admit();
  std::vector<EngineJob> jobs;
  for (auto& [id, job] : resident_) {
    scheduler_.Remove(id);
    jobs.push_back(std::move(job).Release());
  }
  resident_.clear();
  absl::MutexLock lock(&mu_);
  jobs_.clear();
  return jobs;
}

}  // namespace tweedie
