#include "server/convert/stored_job.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/methods/make_method.h"
#include "server/convert/job_work.h"
#include "server/convert/task_proto.h"
#include "server/convert/task_tensors.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {
namespace {

constexpr char kImages[] = "images";
constexpr char kReference[] = "reference";
constexpr char kStep[] = "step";
constexpr char kWeights[] = "weights_sha256";
constexpr char kPrecision[] = "precision";

absl::Status Damaged(const JobRecord& record, absl::string_view problem) {
  return absl::DataLossError(
      absl::StrCat("what is stored of jobs/", record.id, " is damaged: ", problem));
}

bool AreImages(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.dim() == 4 && tensor.numel() > 0;
}

absl::Status CheckImages(const JobRecord& record, absl::string_view name,
                         const at::Tensor& tensor) {
  if (AreImages(tensor)) return absl::OkStatus();
  return Damaged(record, absl::StrCat(name, " are not images"));
}

// Puts the tensor called `name` where it belongs in `job`.
absl::Status TakeTensor(const JobRecord& record, absl::string_view name, const at::Tensor& tensor,
                        StoredJob* job) {
  if (name == kReference) {
    job->reference = tensor;
    return CheckImages(record, name, tensor);
  }
  for (const TaskTensor& held : TensorsOf(&job->task.task)) {
    if (name != held.name) continue;
    *held.tensor = tensor;
    if (held.images) return CheckImages(record, name, tensor);
    if (tensor.scalar_type() == at::kFloat && tensor.numel() > 0) return absl::OkStatus();
    return Damaged(record, absl::StrCat(name, " is not of float32"));
  }
  return Damaged(record, absl::StrCat("its input has a tensor called ", name));
}

absl::Status TakeTensors(const JobRecord& record, const TensorFile& input, StoredJob* job) {
  for (const auto& [name, tensor] : input.tensors) {
    RETURN_IF_ERROR(TakeTensor(record, name, tensor, job));
  }
  const std::string missing = MissingTensors(job->task);
  if (missing.empty()) return absl::OkStatus();
  return Damaged(record, absl::StrCat("its input has ", missing));
}

absl::Status CheckReference(const JobRecord& record, StoredJob* job) {
  const int64_t rows = job->reference.size(0);
  const int64_t inputs = record.num_images / job->task.samples_per_image;
  if (rows != 1 && rows != inputs && rows != record.num_images) {
    return Damaged(record, absl::StrCat(rows, " reference images for ", record.num_images));
  }
  const at::IntArrayRef shape = job->reference.sizes().slice(1);
  for (const TaskTensor& held : TensorsOf(&job->task.task)) {
    if (!held.images || !held.tensor->defined() || held.tensor->sizes().slice(1) == shape) continue;
    return Damaged(record, absl::StrCat(held.name, " and reference differ in shape"));
  }
  return absl::OkStatus();
}

absl::StatusOr<TaskSpec> ReadSpec(const JobRecord& record) {
  v1::Job job;
  if (!job.ParseFromString(record.spec)) return Damaged(record, "its spec cannot be parsed");
  absl::StatusOr<TaskSpec> task = ReadTask(job);
  if (!task.ok()) return Damaged(record, task.status().message());
  if (!job.has_seed()) return Damaged(record, "its spec has no seed");
  return task;
}

absl::StatusOr<std::string> FindMetadata(const TensorFile& file, const char* key) {
  const auto it = file.metadata.find(key);
  if (it != file.metadata.end()) return it->second;
  return absl::DataLossError(absl::StrCat("checkpoint without `", key, "`"));
}

absl::Status CheckMetadata(const TensorFile& file, const char* key, absl::string_view expected) {
  ASSIGN_OR_RETURN(const std::string value, FindMetadata(file, key));
  if (value == expected) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("checkpoint made with ", key, " ", value, ", to be resumed with ", expected));
}

}  // namespace

absl::StatusOr<StoredJob> ReadStoredJob(const JobRecord& record, const TensorFile& input) {
  StoredJob job;
  ASSIGN_OR_RETURN(job.task, ReadSpec(record));
  RETURN_IF_ERROR(TakeTensors(record, input, &job));
  if (NumImages(job.task) != record.num_images) {
    return Damaged(
        record, absl::StrCat("it makes ", NumImages(job.task), " images, not ", record.num_images));
  }
  // The clean images that a job noises or measures itself are kept once.
  if (!job.reference.defined()) job.reference = OwnReference(job.task);
  if (!job.reference.defined()) return job;
  RETURN_IF_ERROR(CheckReference(record, &job));
  job.reference = ExpandReference(job.reference, record.num_images);
  return job;
}

std::string WriteCheckpoint(const MethodState& state, const NetworkUsed& network) {
  TensorFile file;
  file.tensors = state.tensors;
  file.metadata = {{kStep, absl::StrCat(state.step)},
                   {kWeights, network.weights_sha256},
                   {kPrecision, network.precision}};
  return SerializeSafetensors(file);
}

absl::StatusOr<MethodState> ReadCheckpoint(absl::string_view bytes, const NetworkUsed& network) {
  absl::StatusOr<TensorFile> file = ParseSafetensors(bytes);
  if (!file.ok()) {
    return absl::DataLossError(absl::StrCat("malformed checkpoint: ", file.status().message()));
  }
  RETURN_IF_ERROR(CheckMetadata(*file, kWeights, network.weights_sha256));
  RETURN_IF_ERROR(CheckMetadata(*file, kPrecision, network.precision));
  ASSIGN_OR_RETURN(const std::string step, FindMetadata(*file, kStep));
  MethodState state;
  if (!absl::SimpleAtoi(step, &state.step) || state.step < 0) {
    return absl::DataLossError(absl::StrCat("checkpoint of step ", step));
  }
  state.tensors = std::move(file->tensors);
  return state;
}

std::string WriteResult(const at::Tensor& images) {
  TensorFile file;
  file.tensors[kImages] = images;
  return SerializeSafetensors(file);
}

}  // namespace tweedie
