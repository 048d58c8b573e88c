#include "server/convert/prior_tasks_proto.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "server/convert/measurement_proto.h"
#include "server/convert/process_proto.h"

namespace tweedie {

absl::StatusOr<SampleTask> FromProto(const v1::SampleTask& proto) {
  if (proto.num_images() < 0) {
    return FieldError("num_images", absl::StrCat("must not be negative; was ", proto.num_images()));
  }
  SampleTask task;
  task.num_images = std::max(proto.num_images(), 1);
  ASSIGN_OR_RETURN(task.process, InProcess(ReadProcess(proto.process())));
  return task;
}

v1::SampleTask ToProto(const SampleTask& task) {
  v1::SampleTask proto;
  proto.set_num_images(task.num_images);
  *proto.mutable_process() = WriteProcess(task.process);
  return proto;
}

absl::StatusOr<DenoiseTask> FromProto(const v1::DenoiseTask& proto) {
  DenoiseTask task;
  switch (proto.level_case()) {
    case v1::DenoiseTask::kTimestep:
      task.timestep = proto.timestep();
      break;
    case v1::DenoiseTask::kNoiseSigma:
      task.noise_sigma = proto.noise_sigma();
      break;
    case v1::DenoiseTask::LEVEL_NOT_SET:
      return FieldError("level", "is required: `timestep` or `noise_sigma`");
  }
  task.add_noise = proto.add_noise();
  if (proto.has_process()) {
    ASSIGN_OR_RETURN(task.process, InProcess(ReadProcess(proto.process())));
  }
  return task;
}

v1::DenoiseTask ToProto(const DenoiseTask& task) {
  v1::DenoiseTask proto;
  if (task.timestep.has_value()) proto.set_timestep(*task.timestep);
  if (task.noise_sigma.has_value()) proto.set_noise_sigma(*task.noise_sigma);
  proto.set_add_noise(task.add_noise);
  if (task.process.has_value()) *proto.mutable_process() = WriteProcess(*task.process);
  return proto;
}

absl::StatusOr<SdeditTask> FromProto(const v1::SdeditTask& proto) {
  SdeditTask task;
  if (proto.source_case() == v1::SdeditTask::SOURCE_NOT_SET) {
    return FieldError("source", "is required: `guide` or `measurement`");
  }
  if (proto.has_measurement()) {
    ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  }
  if (proto.has_strength()) task.strength = proto.strength();
  ASSIGN_OR_RETURN(task.process, InProcess(ReadProcess(proto.process())));
  task.keep_measured = proto.keep_measured();
  task.num_repeats = proto.num_repeats();
  return task;
}

v1::SdeditTask ToProto(const SdeditTask& task) {
  v1::SdeditTask proto;
  if (task.measurement.has_value()) {
    *proto.mutable_measurement() = WriteMeasurement(*task.measurement);
  } else {
    proto.mutable_guide();
  }
  if (task.strength.has_value()) proto.set_strength(*task.strength);
  *proto.mutable_process() = WriteProcess(task.process);
  proto.set_keep_measured(task.keep_measured);
  proto.set_num_repeats(task.num_repeats);
  return proto;
}

}  // namespace tweedie
