#include "server/runner/job_loader.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/methods/make_method.h"
#include "server/convert/stored_job.h"

namespace tweedie {
namespace {

absl::StatusOr<StoredJob> ReadInput(const JobRecord& record, const BlobStore& blobs) {
  TensorFile input;
  if (!record.input.name.empty()) {
    ASSIGN_OR_RETURN(const std::string bytes, blobs.Read(record.input));
    absl::StatusOr<TensorFile> parsed = ParseSafetensors(bytes);
    if (!parsed.ok()) return absl::DataLossError(parsed.status().message());
    input = *std::move(parsed);
  }
  return ReadStoredJob(record, input);
}

// nullopt, said in the log, if there is no checkpoint that can be gone on from.
std::optional<MethodState> ReadSaved(const JobRecord& record, const LoadedModel& model,
                                     const BlobStore& blobs) {
  if (record.checkpoint.name.empty()) return std::nullopt;
  const absl::StatusOr<std::string> bytes = blobs.Read(record.checkpoint);
  absl::StatusOr<MethodState> state =
      bytes.ok() ? ReadCheckpoint(*bytes, model.weights_sha256) : bytes.status();
  if (state.ok()) return *std::move(state);
  spdlog::warn("job=jobs/{} begins anew: {}", record.id, state.status().ToString());
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
  running->checkpoint_time = clock.Now();
  return running;
}

namespace {

absl::StatusOr<LoadedJob> Load(const Claimed& claimed, const ModelPool& models,
                               const BlobStore& blobs, const Clock& clock) {
  const JobRecord& record = claimed.job;
  const ModelPool::Resident* resident = models.Find(record.model);
  if (resident == nullptr) {
    return absl::NotFoundError(absl::StrCat("model ", record.model, " is not resident"));
  }
  ASSIGN_OR_RETURN(StoredJob stored, ReadInput(record, blobs));
  const std::optional<MethodState> saved = ReadSaved(record, *resident->model, blobs);
  LoadedJob loaded;
  loaded.running = MakeRunningJob(claimed, clock);
  loaded.running->weights_sha256 = resident->model->weights_sha256;
  loaded.running->targets.reference = stored.reference;
  ASSIGN_OR_RETURN(loaded.running->targets.measurement,
                   MakeMeasurement(stored.task, *resident->model->diffusion));
  loaded.running->checkpoint_step = saved ? static_cast<int>(saved->step) : 0;
  ASSIGN_OR_RETURN(loaded.engine_job.method,
                   MakeMethod(stored.task, resident->model->diffusion, saved ? &*saved : nullptr,
                              loaded.running->targets.measurement));
  loaded.engine_job.id = record.id;
  loaded.engine_job.denoiser = resident->denoiser.get();
  loaded.engine_job.creator = record.creator;
  loaded.engine_job.weight = Weight(record.priority);
  return loaded;
}

}  // namespace

absl::StatusOr<LoadedJob> LoadJob(const Claimed& claimed, const ModelPool& models,
                                  const BlobStore& blobs, const Clock& clock) {
  try {
    return Load(claimed, models, blobs, clock);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("the job cannot be begun: ", error.what()));
  }
}

}  // namespace tweedie
