#include "server/runner/job_loader.h"

#include <exception>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/call_failure.h"
#include "core/methods/make_method.h"
#include "server/convert/stored_job.h"
#include "server/log/audit.h"

namespace tweedie {
namespace {

// What is there but cannot be read, for want of files or for an error of the
// disk, may be read later; what is missing or damaged may not.
absl::Status ReadFailure(const absl::Status& status) {
  if (absl::IsDataLoss(status) || absl::IsInvalidArgument(status)) return status;
  return absl::UnavailableError(status.message());
}

absl::StatusOr<StoredJob> ReadInput(const JobRecord& record, const BlobStore& blobs) {
  TensorFile input;
  if (!record.input.name.empty()) {
    const absl::StatusOr<std::string> bytes = blobs.Read(record.input);
    if (!bytes.ok()) return ReadFailure(bytes.status());
    absl::StatusOr<TensorFile> parsed = ParseSafetensors(*bytes);
    if (!parsed.ok()) return absl::DataLossError(parsed.status().message());
    input = *std::move(parsed);
  }
  return ReadStoredJob(record, input);
}

// nullopt, said in the log, if there is no checkpoint that can be gone on from.
absl::StatusOr<std::optional<MethodState>> ReadSaved(const JobRecord& record,
                                                     const LoadedModel& model,
                                                     const BlobStore& blobs) {
  if (record.checkpoint.name.empty()) return std::nullopt;
  const absl::StatusOr<std::string> bytes = blobs.Read(record.checkpoint);
  // Its steps are worth waiting for.
  if (!bytes.ok() && absl::IsUnavailable(ReadFailure(bytes.status()))) {
    return ReadFailure(bytes.status());
  }
  absl::StatusOr<MethodState> state =
      bytes.ok() ? ReadCheckpoint(*bytes, model.weights_sha256) : bytes.status();
  if (state.ok()) return std::make_optional(*std::move(state));
  LogJob(spdlog::level::warn, record, absl::StrCat("begins anew: ", state.status().ToString()));
  return std::nullopt;
}

double Weight(JobPriority priority) {
  switch (priority) {
    case JobPriority::kInteractive:
      return 16;
    case JobPriority::kNormal:
      return 4;
    case JobPriority::kBatch:
      break;
  }
  return 1;
}

}  // namespace

std::shared_ptr<RunningJob> MakeRunningJob(const Claimed& claimed, const Clock& clock) {
  auto running = std::make_shared<RunningJob>();
  running->lease = claimed.lease;
  running->record = claimed.job;
  running->sequence = claimed.job.sequence;
  running->checkpoint_blob = claimed.job.checkpoint.name;
  running->checkpoint_time = clock.Steady();
  running->begin_time = running->checkpoint_time;
  // This attempt's own is one of them, until it ends well.
  running->unproven = running->on_probation = claimed.job.crashes > 1;
  return running;
}

namespace {

absl::StatusOr<EngineJob> Load(RunningJob& running, ModelPool& models, const BlobStore& blobs,
                               const std::shared_ptr<OperatorUses>& uses) {
  const JobRecord& record = running.record;
  ASSIGN_OR_RETURN(const std::shared_ptr<const ModelPool::Resident> resident,
                   models.Acquire(record.model));
  ASSIGN_OR_RETURN(StoredJob stored, ReadInput(record, blobs));
  ASSIGN_OR_RETURN(const std::optional<MethodState> saved,
                   ReadSaved(record, *resident->model, blobs));
  running.weights_sha256 = resident->model->weights_sha256;
  running.targets.reference = stored.reference;
  ASSIGN_OR_RETURN(std::shared_ptr<const Measurement> measurement,
                   MakeMeasurement(stored.task, *resident->model->diffusion));
  running.targets.measurement = WatchOperator(std::move(measurement), uses);
  running.checkpoint_step = saved ? static_cast<int>(saved->step) : 0;
  running.begin_step = running.checkpoint_step;
  EngineJob job;
  ASSIGN_OR_RETURN(job.method, MakeMethod(stored.task, resident->model->diffusion,
                                          saved ? &*saved : nullptr, running.targets.measurement));
  job.id = record.id;
  job.denoiser = resident->denoiser.get();
  job.sizes = resident->sizes.get();
  job.keeps = resident;
  job.creator = record.creator;
  job.weight = Weight(record.priority);
  job.alone = running.unproven;
  job.urgent = record.priority == JobPriority::kInteractive;
  return job;
}

}  // namespace

absl::StatusOr<EngineJob> LoadJob(RunningJob& running, ModelPool& models, const BlobStore& blobs,
                                  const std::shared_ptr<OperatorUses>& uses) {
  try {
    return Load(running, models, blobs, uses);
  } catch (const std::exception&) {
    return CaughtFailure("beginning the job");
  }
}

bool MayLoadLater(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsAborted(status);
}

}  // namespace tweedie
