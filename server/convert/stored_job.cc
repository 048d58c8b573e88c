#include "server/convert/stored_job.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/methods/make_method.h"
#include "server/convert/job_work.h"
#include "server/convert/task_proto.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {
namespace {

constexpr char kImages[] = "images";
constexpr char kReference[] = "reference";
constexpr char kStep[] = "step";
constexpr char kWeights[] = "weights_sha256";
constexpr char kPrecision[] = "precision";
constexpr char kFloat32[] = "float32";

absl::Status Damaged(const JobRecord& record, absl::string_view problem) {
  return absl::DataLossError(
      absl::StrCat("what is stored of jobs/", record.id, " is damaged: ", problem));
}

// The tensor called `name`, or an undefined one.
at::Tensor FindTensor(const TensorFile& file, const char* name) {
  const auto it = file.tensors.find(name);
  return it == file.tensors.end() ? at::Tensor() : it->second;
}

bool AreImages(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.dim() == 4 && tensor.numel() > 0;
}

absl::Status CheckInput(const JobRecord& record, const TensorFile& input, bool wants_images) {
  for (const auto& [name, tensor] : input.tensors) {
    const bool known = name == kReference || (wants_images && name == kImages);
    if (!known) return Damaged(record, absl::StrCat("its input has a tensor called ", name));
    if (!AreImages(tensor)) return Damaged(record, absl::StrCat(name, " are not images"));
  }
  if (wants_images && !FindTensor(input, kImages).defined()) {
    return Damaged(record, "its input has no images");
  }
  return absl::OkStatus();
}

absl::Status CheckReference(const JobRecord& record, const StoredJob& job) {
  const int64_t rows = job.reference.size(0);
  const int64_t inputs = record.num_images / job.task.samples_per_image;
  if (rows != 1 && rows != inputs && rows != record.num_images) {
    return Damaged(record, absl::StrCat(rows, " reference images for ", record.num_images));
  }
  const auto* denoise = std::get_if<DenoiseTask>(&job.task.task);
  if (denoise != nullptr && denoise->images.sizes().slice(1) != job.reference.sizes().slice(1)) {
    return Damaged(record, "images and reference differ in shape");
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
  auto* denoise = std::get_if<DenoiseTask>(&job.task.task);
  RETURN_IF_ERROR(CheckInput(record, input, denoise != nullptr));
  if (denoise != nullptr) denoise->images = FindTensor(input, kImages);
  if (NumImages(job.task) != record.num_images) {
    return Damaged(
        record, absl::StrCat("it makes ", NumImages(job.task), " images, not ", record.num_images));
  }
  job.reference = FindTensor(input, kReference);
  // The clean images that a job noises itself are kept once.
  if (!job.reference.defined() && denoise != nullptr && denoise->add_noise) {
    job.reference = denoise->images;
  }
  if (!job.reference.defined()) return job;
  RETURN_IF_ERROR(CheckReference(record, job));
  job.reference = ExpandReference(job.reference, record.num_images);
  return job;
}

std::string WriteCheckpoint(const MethodState& state, const std::string& weights_sha256) {
  TensorFile file;
  file.tensors = state.tensors;
  file.metadata = {
      {kStep, absl::StrCat(state.step)}, {kWeights, weights_sha256}, {kPrecision, kFloat32}};
  return SerializeSafetensors(file);
}

absl::StatusOr<MethodState> ReadCheckpoint(absl::string_view bytes,
                                           const std::string& weights_sha256) {
  absl::StatusOr<TensorFile> file = ParseSafetensors(bytes);
  if (!file.ok()) {
    return absl::DataLossError(absl::StrCat("malformed checkpoint: ", file.status().message()));
  }
  RETURN_IF_ERROR(CheckMetadata(*file, kWeights, weights_sha256));
  RETURN_IF_ERROR(CheckMetadata(*file, kPrecision, kFloat32));
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
