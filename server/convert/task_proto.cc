#include "server/convert/task_proto.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "server/convert/guided_tasks_proto.h"
#include "server/convert/prior_tasks_proto.h"
#include "server/convert/restoration_tasks_proto.h"

namespace tweedie {
namespace {

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

template <typename TaskMessage>
absl::StatusOr<Task> ReadAs(const TaskMessage& proto) {
  ASSIGN_OR_RETURN(Task task, FromProto(proto));
  return task;
}

absl::StatusOr<Task> ReadTaskMessage(const v1::Job& job) {
  switch (job.task_case()) {
    case v1::Job::kSample:
      return ReadAs(job.sample());
    case v1::Job::kDenoise:
      return ReadAs(job.denoise());
    case v1::Job::kSdedit:
      return ReadAs(job.sdedit());
    case v1::Job::kAld:
      return ReadAs(job.ald());
    case v1::Job::kDps:
      return ReadAs(job.dps());
    case v1::Job::kDdnm:
      return ReadAs(job.ddnm());
    case v1::Job::kDdrm:
      return ReadAs(job.ddrm());
    case v1::Job::kPigdm:
      return ReadAs(job.pigdm());
    case v1::Job::kDiffpir:
      return ReadAs(job.diffpir());
    case v1::Job::kReddiff:
      return ReadAs(job.reddiff());
    case v1::Job::kRepaint:
      return ReadAs(job.repaint());
    case v1::Job::TASK_NOT_SET:
      break;
  }
  return CheckTaskGiven(job);
}

std::string TaskNames() {
  const auto* tasks = v1::Job::descriptor()->FindOneofByName("task");
  std::vector<std::string> names;
  for (int i = 0; i < tasks->field_count(); ++i) names.push_back(tasks->field(i)->name());
  return absl::StrJoin(names, ", ");
}

void Write(const SampleTask& task, v1::Job* job) { *job->mutable_sample() = ToProto(task); }
void Write(const DenoiseTask& task, v1::Job* job) { *job->mutable_denoise() = ToProto(task); }
void Write(const SdeditTask& task, v1::Job* job) { *job->mutable_sdedit() = ToProto(task); }
void Write(const AldTask& task, v1::Job* job) { *job->mutable_ald() = ToProto(task); }
void Write(const DpsTask& task, v1::Job* job) { *job->mutable_dps() = ToProto(task); }
void Write(const DdnmTask& task, v1::Job* job) { *job->mutable_ddnm() = ToProto(task); }
void Write(const DdrmTask& task, v1::Job* job) { *job->mutable_ddrm() = ToProto(task); }
void Write(const PigdmTask& task, v1::Job* job) { *job->mutable_pigdm() = ToProto(task); }
void Write(const DiffpirTask& task, v1::Job* job) { *job->mutable_diffpir() = ToProto(task); }
void Write(const ReddiffTask& task, v1::Job* job) { *job->mutable_reddiff() = ToProto(task); }
void Write(const RepaintTask& task, v1::Job* job) { *job->mutable_repaint() = ToProto(task); }

}  // namespace

absl::string_view TaskField(const v1::Job& job) {
  const int number = job.task_case();
  const auto* field = v1::Job::descriptor()->FindFieldByNumber(number);
  return field == nullptr ? "task" : absl::string_view(field->name());
}

absl::Status CheckTaskGiven(const v1::Job& job) {
  if (job.task_case() != v1::Job::TASK_NOT_SET) return absl::OkStatus();
  return FieldError("task", absl::StrCat("is required: one of ", TaskNames()));
}

absl::StatusOr<TaskSpec> ReadTask(const v1::Job& job) {
  RETURN_IF_ERROR(CheckTaskGiven(job));
  RETURN_IF_ERROR(CheckSamplesPerImage(job));
  absl::StatusOr<Task> task = ReadTaskMessage(job);
  if (!task.ok()) return InField(TaskField(job), task.status());
  TaskSpec spec;
  spec.task = *std::move(task);
  spec.seed = job.seed();
  spec.class_labels.assign(job.class_labels().begin(), job.class_labels().end());
  spec.samples_per_image = std::max(job.samples_per_image(), 1);
  return spec;
}

void WriteTask(const TaskSpec& spec, v1::Job* job) {
  std::visit([job](const auto& task) { Write(task, job); }, spec.task);
  if (!job->has_sample()) job->set_samples_per_image(spec.samples_per_image);
  job->set_seed(spec.seed);
  job->clear_class_labels();
  for (const int64_t label : spec.class_labels) {
    job->add_class_labels(static_cast<int32_t>(label));
  }
}

}  // namespace tweedie
