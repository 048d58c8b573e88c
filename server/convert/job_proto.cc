#include "server/convert/job_proto.h"

#include <ATen/ATen.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/field_error.h"
#include "core/base/finite_time.h"
#include "core/weights/safetensors.h"
#include "server/convert/images_proto.h"
#include "server/convert/request_digest.h"

namespace tweedie {
namespace {

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

void WriteTimes(const JobRecord& record, v1::Job* job) {
  if (IsFinite(record.create_time)) *job->mutable_create_time() = ToTimestamp(record.create_time);
  if (IsFinite(record.start_time)) *job->mutable_start_time() = ToTimestamp(record.start_time);
  if (IsFinite(record.end_time)) *job->mutable_end_time() = ToTimestamp(record.end_time);
  if (IsFinite(record.expire_time)) *job->mutable_expire_time() = ToTimestamp(record.expire_time);
}

void WriteFailure(const JobRecord& record, v1::Job* job) {
  if (record.state != JobState::kFailed || !record.failure.has_value()) return;
  v1::JobError* error = job->mutable_error();
  error->set_code(static_cast<int>(record.failure->code));
  error->set_message(record.failure->message);
  error->set_reason(record.failure->reason);
}

// The one tensor of a result, or an undefined one.
at::Tensor ImagesOf(const TensorFile& file) {
  const auto it = file.tensors.find("images");
  if (file.tensors.size() != 1 || it == file.tensors.end()) return at::Tensor();
  const at::Tensor& images = it->second;
  const bool well_formed = images.scalar_type() == at::kFloat && images.dim() == 4;
  return well_formed ? images : at::Tensor();
}

}  // namespace

v1::Progress ToProto(const JobProgress& progress) {
  v1::Progress proto;
  proto.set_step(progress.step);
  proto.set_timestep(progress.timestep);
  proto.set_num_steps(progress.num_steps);
  return proto;
}

v1::Job ToProto(const JobRecord& record) {
  v1::Job job;
  // A spec that does not parse (the runner fails such a job with DATA_LOSS)
  // leaves the job without its task: what the columns say is still reported.
  if (!job.ParseFromString(record.spec)) job.Clear();
  job.set_name(absl::StrCat("jobs/", record.id));
  job.set_model(absl::StrCat("models/", record.model));
  job.set_state(static_cast<v1::Job::State>(record.state));
  job.set_num_images(record.num_images);
  job.set_creator(record.creator);
  job.set_attempt(record.attempt);
  job.set_crashes(record.crashes);
  job.set_server(record.server);
  job.set_device(record.device);
  *job.mutable_progress() = ToProto(record.progress);
  WriteFailure(record, &job);
  WriteTimes(record, &job);
  v1::Job outcome;
  if (outcome.ParseFromString(record.outcome)) {
    job.mutable_metrics()->Swap(outcome.mutable_metrics());
    job.set_weights_sha256(outcome.weights_sha256());
  }
  return job;
}

std::string WriteOutcome(const std::vector<v1::ImageMetrics>& metrics,
                         absl::string_view weights_sha256) {
  v1::Job outcome;
  outcome.set_weights_sha256(std::string(weights_sha256));
  for (const v1::ImageMetrics& image : metrics) *outcome.add_metrics() = image;
  return SerializeDeterministically(outcome);
}

absl::StatusOr<ResultReader> ResultReader::Open(std::string bytes) {
  const absl::StatusOr<TensorFile> file = ParseSafetensors(bytes);
  if (!file.ok()) {
    return absl::DataLossError(absl::StrCat("malformed result: ", file.status().message()));
  }
  const at::Tensor images = ImagesOf(*file);
  if (!images.defined()) return absl::DataLossError("malformed result: no images in it");
  ResultReader reader;
  reader.num_images_ = static_cast<int>(images.size(0));
  reader.image_shape_ = {images.size(1), images.size(2), images.size(3)};
  // The format allows no bytes after the last tensor, and this is the only one.
  reader.offset_ = bytes.size() - images.nbytes();
  reader.bytes_ = std::move(bytes);
  return reader;
}

absl::StatusOr<v1::Images> ResultReader::Image(int index, v1::ImageFormat format) const {
  if (index < 0 || index >= num_images_) {
    return absl::OutOfRangeError(
        absl::StrCat("image ", index, " of a result of ", num_images_, " images"));
  }
  if (!v1::ImageFormat_IsValid(format)) {
    return FieldError("format",
                      absl::StrCat("must be one of TENSOR_FLOAT32, TENSOR_UINT8, PNG; was ",
                                   static_cast<int>(format)));
  }
  if (format == v1::IMAGE_FORMAT_PNG && !HasPng(image_shape_[0])) {
    return FieldError("format", absl::StrCat("must be a tensor: PNG cannot hold ", image_shape_[0],
                                             " channels; was PNG"));
  }
  at::Tensor image = at::empty(image_shape_, at::kFloat);
  std::memcpy(image.mutable_data_ptr<float>(), bytes_.data() + offset_ + index * image.nbytes(),
              image.nbytes());
  return WriteImages(image, format);
}

}  // namespace tweedie
