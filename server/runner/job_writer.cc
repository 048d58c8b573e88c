#include "server/runner/job_writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "core/engine/call_failure.h"
#include "core/methods/failure.h"
#include "server/convert/job_proto.h"
#include "server/convert/stored_job.h"
#include "server/log/audit.h"
#include "server/runner/image_metrics.h"
#include "server/runner/store_errors.h"

namespace tweedie {
namespace {

JobProgress ToStored(const MethodProgress& progress) {
  return {progress.step, progress.num_steps, progress.timestep};
}

JobFailure ToFailure(const absl::Status& status) {
  return {status.code(), std::string(status.message()), ReasonOf(status).value_or("STEP_FAILED")};
}

absl::string_view OutcomeName(JobState state) {
  switch (state) {
    case JobState::kSucceeded:
      return "SUCCEEDED";
    case JobState::kFailed:
      return "FAILED";
    case JobState::kCancelled:
      return "CANCELLED";
    default:
      return "UNKNOWN";
  }
}

// A result without metrics is still a result.
std::vector<v1::ImageMetrics> Measure(const RunningJob& job, const at::Tensor& images) {
  auto metrics = MeasureImages(images, job.targets);
  if (metrics.ok()) return *std::move(metrics);
  LogJob(spdlog::level::err, job.record, metrics.status().ToString());
  return {};
}

// All but the result's blob.
JobEnd EndOf(const RunningJob& job, const JobOutcome& outcome) {
  JobEnd end;
  end.progress = ToStored(outcome.progress);
  end.last_sequence = job.sequence;
  std::vector<v1::ImageMetrics> metrics;
  if (absl::IsCancelled(outcome.status)) {
    end.event = JobEvent::kCancel;
  } else if (!outcome.status.ok()) {
    end.event = JobEvent::kFail;
    end.failure = ToFailure(outcome.status);
  } else {
    end.event = JobEvent::kSucceed;
    metrics = Measure(job, outcome.images);
  }
  end.outcome = WriteOutcome(metrics, job.network.weights_sha256);
  return end;
}

// A name of this lease alone. The attempt does not make it one: a job deleted and
// made again under its id has the same attempts, and whoever held a lease of the
// first may wake up.
std::string BlobName(const Lease& lease, absl::string_view name) {
  return absl::StrCat(lease.job_id, "/", name, "-", absl::Hex(lease.token, absl::kZeroPad16));
}

}  // namespace

std::string FinishedCounter(JobState state) {
  return absl::StrCat("tweedie_jobs_finished_total{outcome=\"", OutcomeName(state), "\"}");
}

bool JobWriter::LeaseLost(RunningJob& job, const absl::Status& status) {
  if (!absl::IsFailedPrecondition(status)) return false;
  counters_->Add("tweedie_fence_rejections_total");
  running_->Abandon(job, status.message());
  return true;
}

absl::Status JobWriter::Try(absl::string_view call, const RunningJob& job,
                            const std::function<absl::Status()>& work) const {
  absl::Status status;
  try {
    status = work();
  } catch (const std::exception&) {
    status = CaughtFailure("writing it");
  }
  if (!status.ok()) ReportStoreError(*counters_, call, status, &job.record);
  return reserve_->MakeRoom(status);
}

absl::Status JobWriter::Checkpoint(RunningJob& job, const MethodProgress& progress,
                                   const MethodState& state) {
  return Try("checkpoint", job, [&] { return TryCheckpoint(job, progress, state); });
}

absl::Status JobWriter::Finish(RunningJob& job, const JobOutcome& outcome) {
  return Try("finish", job, [&] { return TryFinish(job, outcome); });
}

absl::Status JobWriter::Release(RunningJob& job, const Method& method) {
  return Try("release", job, [&] { return TryRelease(job, method); });
}

void JobWriter::RemoveBlob(const std::string& name) const {
  if (name.empty()) return;
  const absl::Status removed = blobs_->Remove(name);
  // What cannot be removed now is swept at the next start.
  if (!removed.ok()) spdlog::warn("blob {}: {}", name, std::string(removed.message()));
}

absl::StatusOr<BlobRef> JobWriter::StoreCheckpoint(const RunningJob& job,
                                                   const JobProgress& progress,
                                                   const BlobRef& blob) const {
  RETURN_IF_ERROR(HitFailpoint("checkpoint.blob", job.record.id));
  ASSIGN_OR_RETURN(BlobRef replaced, store_->Checkpoint(job.lease, progress, blob));
  RETURN_IF_ERROR(HitFailpoint("checkpoint.after", job.record.id));
  return replaced;
}

void JobWriter::RemoveOldCheckpoints(RunningJob& job, const std::string& kept) const {
  std::set<std::string> old = std::exchange(job.checkpoints_in_doubt, {});
  old.insert(job.checkpoint_blob);
  old.erase(kept);
  for (const std::string& name : old) RemoveBlob(name);
  job.checkpoint_blob = kept;
}

absl::Status JobWriter::TryCheckpoint(RunningJob& job, const MethodProgress& progress,
                                      const MethodState& state) {
  const std::string name =
      BlobName(job.lease, absl::StrCat("checkpoint-", job.lease.attempt, "-", progress.step));
  // Written again it would be removed, should the store refuse it the second time.
  if (name == job.checkpoint_blob) return absl::OkStatus();
  RETURN_IF_ERROR(HitFailpoint("checkpoint.before", job.record.id));
  ASSIGN_OR_RETURN(const BlobRef blob, blobs_->Write(name, WriteCheckpoint(state, job.network)));
  const absl::StatusOr<BlobRef> replaced = StoreCheckpoint(job, ToStored(progress), blob);
  if (replaced.ok()) {
    if (replaced->name != job.checkpoint_blob) job.checkpoints_in_doubt.insert(replaced->name);
    RemoveOldCheckpoints(job, name);
    return absl::OkStatus();
  }
  if (MayHaveBeenDone(replaced.status())) {
    job.checkpoints_in_doubt.insert(name);
  } else if (!job.checkpoints_in_doubt.contains(name)) {
    RemoveBlob(name);
  }
  return LeaseLost(job, replaced.status()) ? absl::OkStatus() : replaced.status();
}

absl::Status JobWriter::MakeEnd(RunningJob& job, const JobOutcome& outcome) const {
  if (!job.end.has_value()) job.end = EndOf(job, outcome);
  if (job.end->event != JobEvent::kSucceed || !job.end->result.name.empty()) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(HitFailpoint("result.before", job.record.id));
  ASSIGN_OR_RETURN(job.end->result,
                   blobs_->Write(BlobName(job.lease, absl::StrCat("result-", job.lease.attempt)),
                                 WriteResult(outcome.images)));
  return HitFailpoint("result.after", job.record.id);
}

absl::StatusOr<JobRecord> JobWriter::StoreEnd(const RunningJob& job) const {
  RETURN_IF_ERROR(HitFailpoint("finish.before", job.record.id));
  ASSIGN_OR_RETURN(JobRecord ended, store_->Finish(job.lease, *job.end));
  RETURN_IF_ERROR(HitFailpoint("finish.after", job.record.id));
  return ended;
}

absl::Status JobWriter::TryFinish(RunningJob& job, const JobOutcome& outcome) {
  if (job.abandoned) return absl::OkStatus();
  RETURN_IF_ERROR(MakeEnd(job, outcome));
  const absl::StatusOr<JobRecord> ended = StoreEnd(job);
  if (!ended.ok()) {
    if (!LeaseLost(job, ended.status())) return ended.status();
    RemoveBlob(job.end->result.name);
    return absl::OkStatus();
  }
  if (ended->result.name != job.end->result.name) RemoveBlob(job.end->result.name);
  RemoveOldCheckpoints(job, "");
  running_->Remove(job);
  counters_->Add(FinishedCounter(ended->state));
  AuditChange(JobChange::kEnded, *ended);
  observer_->OnJobChanged(*ended);
  return absl::OkStatus();
}

absl::StatusOr<JobRecord> JobWriter::StoreRelease(const RunningJob& job) const {
  RETURN_IF_ERROR(HitFailpoint("release.before", job.record.id));
  ASSIGN_OR_RETURN(JobRecord released, store_->Release(job.lease, job.sequence));
  RETURN_IF_ERROR(HitFailpoint("release.after", job.record.id));
  return released;
}

absl::Status JobWriter::TryRelease(RunningJob& job, const Method& method) {
  if (job.abandoned) return absl::OkStatus();
  if (method.progress().step > 0) {
    // Without it the job goes on from an earlier one; that it was not given back
    // would count as a crash.
    Checkpoint(job, method.progress(), method.Save()).IgnoreError();
    if (job.abandoned) return absl::OkStatus();
  }
  const absl::StatusOr<JobRecord> released = StoreRelease(job);
  if (!released.ok()) {
    return LeaseLost(job, released.status()) ? absl::OkStatus() : released.status();
  }
  running_->Remove(job);
  AuditChange(JobChange::kReleased, *released);
  observer_->OnJobChanged(*released);
  return absl::OkStatus();
}

}  // namespace tweedie
