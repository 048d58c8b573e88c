#include "server/convert/task_inputs.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "server/convert/images_proto.h"
#include "server/convert/measurement_proto.h"
#include "server/convert/task_proto.h"
#include "server/convert/task_tensors.h"
#include "server/convert/tensor_proto.h"

namespace tweedie {
namespace {

// The most of each.
struct Bounds {
  int64_t inputs;
  int64_t file_pixels;
};

absl::Status ReadImagesField(absl::string_view field, const v1::Images& proto,
                             const ImageShape3& image_shape, const Bounds& bounds,
                             at::Tensor* images) {
  absl::StatusOr<at::Tensor> read =
      ReadImages(proto, image_shape, static_cast<int>(bounds.inputs), bounds.file_pixels);
  if (!read.ok()) return InField(field, read.status());
  *images = *std::move(read);
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> ReadKeepMask(const v1::Tensor& proto, const ImageShape3& image_shape,
                                        int64_t num_inputs) {
  const auto& [channels, height, width] = image_shape;
  ASSIGN_OR_RETURN(at::Tensor mask, ReadTensor(proto, {1, 4, /*bytes=*/false}));
  RETURN_IF_ERROR(CheckBroadcastable(proto, {num_inputs, channels, height, width}));
  return mask;
}

absl::Status Read(const v1::SdeditTask& proto, const ImageShape3& image_shape, const Bounds& bounds,
                  SdeditTask* task) {
  if (proto.has_guide()) {
    RETURN_IF_ERROR(ReadImagesField("guide", proto.guide(), image_shape, bounds, &task->guide));
  }
  if (!proto.has_keep_mask()) return absl::OkStatus();
  absl::StatusOr<at::Tensor> mask = ReadKeepMask(proto.keep_mask(), image_shape, bounds.inputs);
  if (!mask.ok()) return InField("keep_mask", mask.status());
  task->keep_mask = *std::move(mask);
  return absl::OkStatus();
}

template <typename TaskMessage>
const v1::Measurement* MeasurementIfAny(const TaskMessage& proto) {
  return proto.has_measurement() ? &proto.measurement() : nullptr;
}

std::string InTask(const v1::Job& job, absl::string_view field) {
  return absl::StrCat(TaskField(job), ".", field);
}

}  // namespace

const v1::Measurement* MeasurementOf(const v1::Job& job) {
  switch (job.task_case()) {
    case v1::Job::kSdedit:
      return MeasurementIfAny(job.sdedit());
    case v1::Job::kAld:
      return MeasurementIfAny(job.ald());
    case v1::Job::kDps:
      return MeasurementIfAny(job.dps());
    case v1::Job::kDdnm:
      return MeasurementIfAny(job.ddnm());
    case v1::Job::kDdrm:
      return MeasurementIfAny(job.ddrm());
    case v1::Job::kPigdm:
      return MeasurementIfAny(job.pigdm());
    case v1::Job::kDiffpir:
      return MeasurementIfAny(job.diffpir());
    case v1::Job::kReddiff:
      return MeasurementIfAny(job.reddiff());
    case v1::Job::kRepaint:
      return MeasurementIfAny(job.repaint());
    case v1::Job::kSample:
    case v1::Job::kDenoise:
    case v1::Job::TASK_NOT_SET:
      break;
  }
  return nullptr;
}

absl::StatusOr<TaskInputs> CountInputs(const v1::Job& job) {
  if (job.has_sample()) {
    return TaskInputs{"sample.num_images", std::max(job.sample().num_images(), 1)};
  }
  if (job.has_denoise()) {
    if (!job.denoise().has_images()) return FieldError("denoise.images", "is required");
    return TaskInputs{"denoise.images", ClaimedImages(job.denoise().images())};
  }
  if (const v1::Measurement* measurement = MeasurementOf(job)) {
    const ClaimedMeasurements claimed = CountMeasurements(*measurement);
    return TaskInputs{InTask(job, absl::StrCat("measurement.", claimed.field)), claimed.count};
  }
  return TaskInputs{InTask(job, "guide"), ClaimedImages(job.sdedit().guide())};
}

absl::Status ReadTaskTensors(const v1::Job& job, const ImageShape3& image_shape, int64_t max_inputs,
                             int64_t max_file_pixels, Task* task) {
  const Bounds bounds = {max_inputs, max_file_pixels};
  if (auto* denoise = std::get_if<DenoiseTask>(task)) {
    return ReadImagesField("denoise.images", job.denoise().images(), image_shape, bounds,
                           &denoise->images);
  }
  if (auto* sdedit = std::get_if<SdeditTask>(task)) {
    const absl::Status read = Read(job.sdedit(), image_shape, bounds, sdedit);
    if (!read.ok()) return InField("sdedit", read);
  }
  const v1::Measurement* measurement = MeasurementOf(job);
  if (measurement == nullptr) return absl::OkStatus();
  return InField(InTask(job, "measurement"),
                 ReadMeasurementTensors(*measurement, image_shape, static_cast<int>(max_inputs),
                                        MutableMeasurementOf(task), max_file_pixels));
}

}  // namespace tweedie
