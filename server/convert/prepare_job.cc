#include "server/convert/prepare_job.h"

#include <ATen/ATen.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/make_method.h"
#include "core/weights/safetensors.h"
#include "server/convert/envelope.h"
#include "server/convert/job_proto.h"
#include "server/convert/job_work.h"
#include "server/convert/request_digest.h"
#include "server/convert/task_proto.h"
#include "server/convert/task_tensors.h"

namespace tweedie {
namespace {

// The job as it is stored: all that the client may set, but no tensors.
std::string WriteSpec(const JobEnvelope& envelope, const ModelDescription& model,
                      const TaskSpec& task) {
  v1::Job job;
  job.set_model(absl::StrCat("models/", model.name));
  job.set_priority(static_cast<v1::Job::Priority>(envelope.priority));
  job.mutable_labels()->insert(envelope.labels.begin(), envelope.labels.end());
  job.set_traceparent(envelope.traceparent);
  WriteTask(task, &job);
  return SerializeDeterministically(job);
}

std::string WriteInput(JobWork work) {
  TensorFile file;
  for (const TaskTensor& held : TensorsOf(&work.task.task)) {
    if (held.tensor->defined()) file.tensors[held.name] = *held.tensor;
  }
  if (work.reference.defined()) file.tensors["reference"] = work.reference;
  return file.tensors.empty() ? "" : SerializeSafetensors(file);
}

NewJob MakeNewJob(const v1::CreateJobRequest& request, JobEnvelope envelope,
                  const ModelDescription& model, const JobWork& work) {
  NewJob job;
  job.record.spec = WriteSpec(envelope, model, work.task);
  job.record.id = std::move(envelope.job_id);
  job.record.model = model.name;
  job.record.priority = envelope.priority;
  job.record.labels = std::move(envelope.labels);
  job.record.num_images = static_cast<int>(NumImages(work.task));
  job.record.cost_bytes = work.cost_bytes;
  job.record.progress.num_steps = NumSteps(work.task);
  if (!envelope.request_id.empty()) job.request_digest = RequestDigest(request);
  job.request_id = std::move(envelope.request_id);
  return job;
}

}  // namespace

absl::StatusOr<PreparedJob> PrepareJob(const v1::CreateJobRequest& request,
                                       absl::string_view creator, const ModelRepository& models,
                                       const RequestLimits& limits, absl::string_view traceparent) {
  if (!request.has_job()) return FieldError("job", "is required");
  if (const absl::Status given = CheckTaskGiven(request.job()); !given.ok()) {
    return InField("job", given);
  }
  ASSIGN_OR_RETURN(JobEnvelope envelope, ReadEnvelope(request, limits.max_labels_per_job));
  envelope.traceparent = std::string(traceparent);
  ASSIGN_OR_RETURN(const std::shared_ptr<const ModelDescription> model,
                   FindModel(request.job().model(), models));
  ASSIGN_OR_RETURN(const JobWork work, ReadJobWork(request.job(), *model->diffusion, limits));
  PreparedJob prepared;
  prepared.new_job = MakeNewJob(request, std::move(envelope), *model, work);
  prepared.new_job.record.creator = std::string(creator);
  prepared.job = ToProto(prepared.new_job.record);
  prepared.input = WriteInput(work);
  return prepared;
}

}  // namespace tweedie
