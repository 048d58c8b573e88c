#include <ATen/ATen.h>

#include <cstddef>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/denoise.h"
#include "core/methods/make_method.h"
#include "core/methods/reverse_process.h"

namespace tweedie {
namespace {

// Images of a job are counted by the 32 bits of `NoiseKey::image`.
constexpr int64_t kMaxImages = std::numeric_limits<int32_t>::max();

absl::StatusOr<ReverseProcessSpec> ResolveProcessField(const ReverseProcessSpec& spec,
                                                       const DiffusionModel& model,
                                                       int num_timesteps) {
  absl::StatusOr<ResolvedProcess> process = ResolveProcess(spec, model, num_timesteps);
  if (!process.ok()) return InField("process", process.status());
  return std::move(process->spec);
}

absl::StatusOr<SampleTask> Resolve(const SampleTask& task, const DiffusionModel& model) {
  if (task.num_images < 1) {
    return FieldError("num_images", absl::StrCat("must be at least 1; was ", task.num_images));
  }
  SampleTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process,
                   ResolveProcessField(task.process, model, model.schedule.num_timesteps()));
  return resolved;
}

absl::Status CheckImages(const at::Tensor& images, const DiffusionModel& model) {
  if (!images.defined()) return FieldError("images", "is required");
  const at::IntArrayRef shape(model.image_shape);
  if (images.dim() != 4 || images.size(0) < 1 || images.sizes().slice(1) != shape) {
    return FieldError("images", absl::StrCat("must have shape [N, ", absl::StrJoin(shape, ", "),
                                             "]; was [", absl::StrJoin(images.sizes(), ", "), "]"));
  }
  if (images.scalar_type() != at::kFloat) return FieldError("images", "must be float32");
  if (images.isfinite().all().item<bool>()) return absl::OkStatus();
  return FieldError("images", "must be finite");
}

absl::StatusOr<DenoiseTask> Resolve(const DenoiseTask& task, const DiffusionModel& model) {
  RETURN_IF_ERROR(CheckImages(task.images, model));
  ASSIGN_OR_RETURN(const int t, TimestepOf(task, model.schedule));
  RETURN_IF_ERROR(CheckEstimable(model, t));
  DenoiseTask resolved = task;
  if (!task.process.has_value()) return resolved;
  if (task.process->kind == ProcessKind::kDpmSolverPp2m) {
    return FieldError("process.kind",
                      "must be DDPM or DDIM (DPM_SOLVER_PP_2M is for sampling only); was "
                      "DPM_SOLVER_PP_2M");
  }
  ASSIGN_OR_RETURN(resolved.process, ResolveProcessField(*task.process, model, t + 1));
  return resolved;
}

absl::Status CheckSamplesPerImage(const TaskSpec& spec) {
  const int samples = spec.samples_per_image;
  if (samples < 1) {
    return FieldError("samples_per_image", absl::StrCat("must be at least 1; was ", samples));
  }
  if (samples > 1 && std::holds_alternative<SampleTask>(spec.task)) {
    return FieldError("samples_per_image",
                      absl::StrCat("must be 1 for a task without images; was ", samples));
  }
  const int64_t count = NumImages(spec);
  if (count <= kMaxImages) return absl::OkStatus();
  return FieldError("samples_per_image",
                    absl::StrCat("must make at most ", kMaxImages, " images; made ", count));
}

absl::Status CheckClassLabels(const TaskSpec& spec, int num_classes) {
  const std::vector<int64_t>& labels = spec.class_labels;
  if (num_classes == 0) {
    if (labels.empty()) return absl::OkStatus();
    return FieldError("class_labels", absl::StrCat("must be empty, as the model has no classes; "
                                                   "had ",
                                                   labels.size()));
  }
  const int64_t count = static_cast<int64_t>(labels.size());
  if (count != 1 && count != NumImages(spec)) {
    return FieldError("class_labels", absl::StrCat("must be 1 (for all) or ", NumImages(spec),
                                                   " (one an image); had ", count));
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < num_classes) continue;
    return FieldError(absl::StrCat("class_labels[", i, "]"),
                      absl::StrCat("must be in [0, ", num_classes - 1, "]; was ", labels[i]));
  }
  return absl::OkStatus();
}

}  // namespace

int64_t NumImages(const TaskSpec& spec) {
  if (const auto* sample = std::get_if<SampleTask>(&spec.task)) return sample->num_images;
  const at::Tensor& images = std::get<DenoiseTask>(spec.task).images;
  return images.defined() && images.dim() > 0 ? images.size(0) * spec.samples_per_image : 0;
}

absl::StatusOr<TaskSpec> ResolveTask(const TaskSpec& spec, const DiffusionModel& model) {
  TaskSpec resolved = spec;
  if (const auto* sample = std::get_if<SampleTask>(&spec.task)) {
    ASSIGN_OR_RETURN(resolved.task, Resolve(*sample, model));
  } else {
    ASSIGN_OR_RETURN(resolved.task, Resolve(std::get<DenoiseTask>(spec.task), model));
  }
  RETURN_IF_ERROR(CheckSamplesPerImage(resolved));
  RETURN_IF_ERROR(CheckClassLabels(resolved, model.num_classes));
  return resolved;
}

}  // namespace tweedie
