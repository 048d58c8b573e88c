#include "server/convert/task_proto.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "server/convert/process_proto.h"

namespace tweedie {
namespace {

absl::StatusOr<ReverseProcessSpec> ReadProcessOf(absl::string_view task,
                                                 const v1::ReverseProcess& process) {
  absl::StatusOr<ReverseProcessSpec> spec = ReadProcess(process);
  if (spec.ok()) return spec;
  return InField(absl::StrCat(task, ".process"), spec.status());
}

absl::StatusOr<SampleTask> ReadSample(const v1::SampleTask& proto) {
  if (proto.num_images() < 0) {
    return FieldError("sample.num_images",
                      absl::StrCat("must not be negative; was ", proto.num_images()));
  }
  SampleTask task;
  task.num_images = std::max(proto.num_images(), 1);
  ASSIGN_OR_RETURN(task.process, ReadProcessOf("sample", proto.process()));
  return task;
}

absl::StatusOr<DenoiseTask> ReadDenoise(const v1::DenoiseTask& proto) {
  DenoiseTask task;
  switch (proto.level_case()) {
    case v1::DenoiseTask::kTimestep:
      task.timestep = proto.timestep();
      break;
    case v1::DenoiseTask::kNoiseSigma:
      task.noise_sigma = proto.noise_sigma();
      break;
    case v1::DenoiseTask::LEVEL_NOT_SET:
      return FieldError("denoise.level", "is required: `timestep` or `noise_sigma`");
  }
  task.add_noise = proto.add_noise();
  if (proto.has_process()) {
    ASSIGN_OR_RETURN(task.process, ReadProcessOf("denoise", proto.process()));
  }
  return task;
}

absl::Status CheckSamplesPerImage(const v1::Job& job) {
  const int samples = job.samples_per_image();
  if (samples < 0) {
    return FieldError("samples_per_image", absl::StrCat("must not be negative; was ", samples));
  }
  if (samples > 1 && job.has_sample()) {
    return FieldError("samples_per_image",
                      absl::StrCat("must be unset for `sample`, which has no input images (ask by "
                                   "`num_images`); was ",
                                   samples));
  }
  return absl::OkStatus();
}

v1::SampleTask WriteSample(const SampleTask& task) {
  v1::SampleTask proto;
  proto.set_num_images(task.num_images);
  *proto.mutable_process() = WriteProcess(task.process);
  return proto;
}

v1::DenoiseTask WriteDenoise(const DenoiseTask& task) {
  v1::DenoiseTask proto;
  if (task.timestep.has_value()) proto.set_timestep(*task.timestep);
  if (task.noise_sigma.has_value()) proto.set_noise_sigma(*task.noise_sigma);
  proto.set_add_noise(task.add_noise);
  if (task.process.has_value()) *proto.mutable_process() = WriteProcess(*task.process);
  return proto;
}

}  // namespace

absl::string_view TaskField(const v1::Job& job) {
  switch (job.task_case()) {
    case v1::Job::kSample:
      return "sample";
    case v1::Job::kDenoise:
      return "denoise";
    case v1::Job::kSdedit:
      return "sdedit";
    case v1::Job::kAld:
      return "ald";
    case v1::Job::kDps:
      return "dps";
    case v1::Job::TASK_NOT_SET:
      break;
  }
  return "task";
}

absl::Status CheckTaskServed(const v1::Job& job) {
  switch (job.task_case()) {
    case v1::Job::kSample:
    case v1::Job::kDenoise:
      return absl::OkStatus();
    case v1::Job::TASK_NOT_SET:
      return FieldError("task", "is required: `sample` or `denoise`");
    default:
      return absl::UnimplementedError(
          absl::StrCat("task ", TaskField(job), " is not served by this version"));
  }
}

absl::StatusOr<TaskSpec> ReadTask(const v1::Job& job) {
  RETURN_IF_ERROR(CheckTaskServed(job));
  RETURN_IF_ERROR(CheckSamplesPerImage(job));
  TaskSpec spec;
  if (job.has_sample()) {
    ASSIGN_OR_RETURN(spec.task, ReadSample(job.sample()));
  } else {
    ASSIGN_OR_RETURN(spec.task, ReadDenoise(job.denoise()));
  }
  spec.seed = job.seed();
  spec.class_labels.assign(job.class_labels().begin(), job.class_labels().end());
  spec.samples_per_image = std::max(job.samples_per_image(), 1);
  return spec;
}

void WriteTask(const TaskSpec& spec, v1::Job* job) {
  if (const auto* sample = std::get_if<SampleTask>(&spec.task)) {
    *job->mutable_sample() = WriteSample(*sample);
  } else {
    *job->mutable_denoise() = WriteDenoise(std::get<DenoiseTask>(spec.task));
    job->set_samples_per_image(spec.samples_per_image);
  }
  job->set_seed(spec.seed);
  job->clear_class_labels();
  for (const int64_t label : spec.class_labels) {
    job->add_class_labels(static_cast<int32_t>(label));
  }
}

}  // namespace tweedie
