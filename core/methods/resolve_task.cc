#include <ATen/ATen.h>

#include <cstddef>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/all_tasks.h"
#include "core/methods/make_method.h"

namespace tweedie {
namespace {

// Images of a job are counted by the 32 bits of `NoiseKey::image`.
constexpr int64_t kMaxImages = std::numeric_limits<int32_t>::max();

int64_t NumInputs(const at::Tensor& images) {
  return images.defined() && images.dim() > 0 ? images.size(0) : 0;
}

// The images or measurements that the task is given; 1 each for one that has
// neither, since its `samples_per_image` is 1.
int64_t NumInputs(const TaskSpec& spec) {
  if (const auto* sample = std::get_if<SampleTask>(&spec.task)) return sample->num_images;
  if (const auto* denoise = std::get_if<DenoiseTask>(&spec.task)) return NumInputs(denoise->images);
  const MeasurementSpec* const measurement = MeasurementOf(spec);
  if (measurement != nullptr) return NumMeasurements(*measurement);
  return NumInputs(std::get<SdeditTask>(spec.task).guide);
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

// The measurement of any of the tasks.
struct MeasurementField {
  const MeasurementSpec* operator()(const SampleTask&) const { return nullptr; }
  const MeasurementSpec* operator()(const DenoiseTask&) const { return nullptr; }
  const MeasurementSpec* operator()(const SdeditTask& task) const {
    return task.measurement.has_value() ? &*task.measurement : nullptr;
  }
  template <typename SomeTask>
  const MeasurementSpec* operator()(const SomeTask& task) const {
    return &task.measurement;
  }
};

}  // namespace

const MeasurementSpec* MeasurementOf(const TaskSpec& spec) {
  return std::visit(MeasurementField(), spec.task);
}

int64_t NumImages(const TaskSpec& spec) { return NumInputs(spec) * spec.samples_per_image; }

absl::StatusOr<std::shared_ptr<const Measurement>> MakeMeasurement(const TaskSpec& spec,
                                                                   const DiffusionModel& model) {
  const MeasurementSpec* const measurement = MeasurementOf(spec);
  if (measurement == nullptr) return nullptr;
  absl::StatusOr<Measurement> made = Measure(*measurement, model.image_shape, spec.seed);
  if (!made.ok()) return InField("measurement", made.status());
  return std::make_shared<const Measurement>(*std::move(made));
}

absl::StatusOr<TaskSpec> ResolveTask(const TaskSpec& spec, const DiffusionModel& model) {
  ASSIGN_OR_RETURN(const auto measurement, MakeMeasurement(spec, model));
  return ResolveTask(spec, model, measurement);
}

absl::StatusOr<TaskSpec> ResolveTask(const TaskSpec& spec, const DiffusionModel& model,
                                     std::shared_ptr<const Measurement> measurement) {
  RETURN_IF_ERROR(CheckSamplesPerImage(spec));
  const TaskContext context = {model, std::move(measurement), spec.seed, spec.samples_per_image};
  TaskSpec resolved = spec;
  const auto resolve = [&](const auto& task) -> absl::Status {
    ASSIGN_OR_RETURN(resolved.task, Resolve(task, context));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(std::visit(resolve, spec.task));
  RETURN_IF_ERROR(CheckClassLabels(resolved, model.num_classes));
  return resolved;
}

}  // namespace tweedie
