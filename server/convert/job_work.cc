#include "server/convert/job_work.h"

#include <ATen/ATen.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"
#include "core/methods/make_method.h"
#include "core/operators/make_operator.h"
#include "core/operators/mri.h"
#include "core/operators/tomography.h"
#include "server/convert/images_proto.h"
#include "server/convert/task_inputs.h"
#include "server/convert/task_proto.h"
#include "server/convert/task_tensors.h"

namespace tweedie {
namespace {

// Memory of one result while its job runs, an estimate in float32 images: x_t,
// x0_hat, noise, the network's input and output, the checkpoint and the copies
// on their way to watchers.
constexpr int64_t kTensorsPerImage = 8;
// With a measurement also the gradient and x_t as its leaf, x0_hat with what its
// derivative keeps, and what solvers and optimisers carry from step to step. The
// network's activations are not the job's: the engine has them for the rows in
// its hands alone.
constexpr int64_t kTensorsPerMeasuredImage = 16;
// And, in measurements: y, clean and noisy, A(x0_hat) with what its derivative
// keeps, which may be complex, and the residual.
constexpr int64_t kTensorsPerMeasurement = 8;
// Samples of rays, by all results of a job once: seconds.
constexpr double kMaxProjectionSamples = 5e8;

struct JobSize {
  int64_t inputs = 0;   // the images made, for tasks without input
  int64_t results = 0;  // inputs * samples_per_image
};

int64_t ImageCost(const TaskSpec& task, const DiffusionModel& model) {
  const auto& [channels, height, width] = model.image_shape;
  const bool measured = MeasurementOf(task) != nullptr;
  return channels * height * width * int64_t{sizeof(float)} *
         (measured ? kTensorsPerMeasuredImage : kTensorsPerImage);
}

// Of one result's measurement; 0 if the task has none. Builds the operator.
absl::StatusOr<int64_t> MeasurementCost(const v1::Job& job, const TaskSpec& task,
                                        const DiffusionModel& model) {
  const MeasurementSpec* measurement = MeasurementOf(task);
  if (measurement == nullptr) return 0;
  const auto made = MakeOperator(measurement->forward_operator, model.image_shape, task.seed);
  if (!made.ok()) {
    return InField(absl::StrCat("job.", TaskField(job), ".measurement.forward_operator"),
                   made.status());
  }
  const std::vector<int64_t> shape = (*made)->output_shape();
  return c10::multiply_integers(shape) * int64_t{sizeof(float)} * kTensorsPerMeasurement;
}

// The most results of one job: what `limits` say, in images of such a cost.
int64_t MaxImages(int64_t image_cost, const RequestLimits& limits) {
  return std::clamp<int64_t>(limits.max_cost_bytes / image_cost, 0, limits.max_images_per_job);
}

absl::Status TooMany(absl::string_view field, int64_t most, int64_t count) {
  return FieldError(field, absl::StrCat("must be at most ", most,
                                        " (limit of one job with this model); was ", count));
}

absl::StatusOr<JobSize> CheckSize(const v1::Job& job, const TaskSpec& task, int64_t max_images) {
  absl::StatusOr<TaskInputs> inputs = CountInputs(job);
  if (!inputs.ok()) return InField("job", inputs.status());
  if (inputs->count > max_images) {
    return TooMany(absl::StrCat("job.", inputs->field), max_images, inputs->count);
  }
  if (inputs->count > 0 && task.samples_per_image > max_images / inputs->count) {
    return TooMany("job.samples_per_image", max_images / inputs->count, task.samples_per_image);
  }
  return JobSize{inputs->count, inputs->count * task.samples_per_image};
}

absl::Status CheckCount(absl::string_view field, int64_t count, const JobSize& size) {
  if (count == 1 || count == size.results || count == size.inputs) return absl::OkStatus();
  const std::string inputs =
      size.inputs == size.results ? "" : absl::StrCat(" or ", size.inputs, " (one an input)");
  return FieldError(field, absl::StrCat("must be 1 (for all) or ", size.results, " (one an image)",
                                        inputs, "; was ", count));
}

absl::Status CheckClassLabels(const std::vector<int64_t>& labels, int num_classes,
                              const JobSize& size) {
  constexpr char kField[] = "job.class_labels";
  if (num_classes == 0) {
    if (labels.empty()) return absl::OkStatus();
    return FieldError(kField, absl::StrCat("must be empty: the model is not class-conditional; "
                                           "was ",
                                           labels.size(), " labels"));
  }
  if (labels.empty()) {
    return FieldError(kField, absl::StrCat("is required: the model has ", num_classes, " classes"));
  }
  RETURN_IF_ERROR(CheckCount(kField, static_cast<int64_t>(labels.size()), size));
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < num_classes) continue;
    return FieldError(absl::StrCat(kField, "[", i, "]"),
                      absl::StrCat("must be in 0..", num_classes - 1, "; was ", labels[i]));
  }
  return absl::OkStatus();
}

// Labels of input images become those of their results, as core wants them.
std::vector<int64_t> ExpandLabels(std::vector<int64_t> labels, const JobSize& size) {
  const int64_t count = static_cast<int64_t>(labels.size());
  if (count <= 1 || count == size.results) return labels;
  std::vector<int64_t> expanded;
  expanded.reserve(static_cast<size_t>(size.results));
  for (const int64_t label : labels) {
    expanded.insert(expanded.end(), static_cast<size_t>(size.results / size.inputs), label);
  }
  return expanded;
}

absl::StatusOr<at::Tensor> ReadReference(const v1::Job& job, const DiffusionModel& model,
                                         const JobSize& size, int64_t max_file_pixels) {
  if (!job.has_reference()) return at::Tensor();
  RETURN_IF_ERROR(CheckCount("job.reference", ClaimedImages(job.reference()), size));
  absl::StatusOr<at::Tensor> reference = ReadImages(
      job.reference(), model.image_shape, static_cast<int>(size.results), max_file_pixels);
  if (!reference.ok()) return InField("job.reference", reference.status());
  return reference;
}

void ChooseDetectors(const DiffusionModel& model, TomographySpec* tomography) {
  if (tomography->num_detectors != 0) return;
  const double diagonal = std::hypot(model.image_shape[1], model.image_shape[2]);
  tomography->num_detectors = static_cast<int>(std::ceil(diagonal));
}

void ChooseCentre(const DiffusionModel& model, MriSpec* mri) {
  auto* columns = std::get_if<MriSpec::RandomColumns>(&mri->sampling);
  if (columns == nullptr || columns->center_fraction.has_value()) return;
  if (!(columns->acceleration > 1)) return;  // refused below
  columns->center_fraction = DefaultCenterFraction(columns->acceleration, model.image_shape[2]);
}

// What the operator leaves to the server, so that it can be reported.
void FillInOperator(const DiffusionModel& model, Task* task) {
  MeasurementSpec* measurement = MutableMeasurementOf(task);
  if (measurement == nullptr) return;
  OperatorSpec* const spec = &measurement->forward_operator;
  if (auto* tomography = std::get_if<TomographySpec>(spec)) ChooseDetectors(model, tomography);
  if (auto* mri = std::get_if<MriSpec>(spec)) ChooseCentre(model, mri);
}

// What walks rays is done on the CPU, at creation and at each step.
absl::Status CheckProjections(const v1::Job& job, const TaskSpec& task, const DiffusionModel& model,
                              const JobSize& size) {
  const MeasurementSpec* measurement = MeasurementOf(task);
  if (measurement == nullptr) return absl::OkStatus();
  const auto* tomography = std::get_if<TomographySpec>(&measurement->forward_operator);
  if (tomography == nullptr) return absl::OkStatus();
  const double samples =
      static_cast<double>(size.results) * SamplesOfProjection(*tomography, model.image_shape);
  if (samples <= kMaxProjectionSamples) return absl::OkStatus();
  const double most = kMaxProjectionSamples / samples * tomography->num_angles;
  return FieldError(
      absl::StrCat("job.", TaskField(job), ".measurement.forward_operator.tomography.num_angles"),
      absl::StrCat("must be at most ", static_cast<int>(most), " for ", size.results,
                   " results of this size and ", tomography->num_detectors, " detectors; was ",
                   tomography->num_angles));
}

absl::StatusOr<TaskSpec> Resolve(const v1::Job& job, const TaskSpec& task,
                                 const DiffusionModel& model) {
  absl::StatusOr<TaskSpec> resolved = ResolveTask(task, model);
  if (resolved.ok()) return resolved;
  return InField(absl::StrCat("job.", TaskField(job)), resolved.status());
}

// The fields, from the task, that say how often the network is evaluated: the steps,
// and, where a task has one, what repeats them.
struct StepFields {
  int num_steps = 0;
  const char* repeats = nullptr;
};

StepFields StepFieldsOf(const TaskSpec& task) {
  if (const auto* denoise = std::get_if<DenoiseTask>(&task.task)) {
    return {denoise->process.has_value() ? denoise->process->num_steps : 0};
  }
  if (const auto* t = std::get_if<SdeditTask>(&task.task)) {
    return {t->process.num_steps, "num_repeats"};
  }
  if (const auto* t = std::get_if<AldTask>(&task.task)) {
    return {t->process.num_steps, "steps_per_level"};
  }
  if (const auto* t = std::get_if<DdnmTask>(&task.task)) {
    return {t->process.num_steps, "travel_repeats"};
  }
  if (const auto* t = std::get_if<RepaintTask>(&task.task)) {
    return {t->process.num_steps, "num_resamples"};
  }
  return {};
}

// All evaluations that a job makes for an image count, those of repeats too.
absl::Status CheckSteps(const v1::Job& job, const TaskSpec& resolved, int max_steps) {
  const int steps = NumSteps(resolved);
  if (steps <= max_steps) return absl::OkStatus();
  const StepFields fields = StepFieldsOf(resolved);
  const bool repeats = fields.repeats != nullptr && fields.num_steps <= max_steps;
  return FieldError(
      absl::StrCat("job.", TaskField(job), ".", repeats ? fields.repeats : "process.num_steps"),
      absl::StrCat("must make at most ", max_steps,
                   " evaluations of the network for an image (limit of one job); made ", steps));
}

absl::StatusOr<JobWork> Read(const v1::Job& job, const DiffusionModel& model,
                             const RequestLimits& limits) {
  absl::StatusOr<TaskSpec> read = ReadTask(job);
  if (!read.ok()) return InField("job", read.status());
  TaskSpec task = *std::move(read);
  int64_t cost = ImageCost(task, model);
  ASSIGN_OR_RETURN(const JobSize size, CheckSize(job, task, MaxImages(cost, limits)));
  RETURN_IF_ERROR(CheckClassLabels(task.class_labels, model.num_classes, size));
  task.class_labels = ExpandLabels(std::move(task.class_labels), size);
  if (!job.has_seed()) task.seed = RandomBits();
  const absl::Status tensors =
      ReadTaskTensors(job, model.image_shape, size.inputs, limits.max_image_pixels, &task.task);
  if (!tensors.ok()) return InField("job", tensors);
  FillInOperator(model, &task.task);
  ASSIGN_OR_RETURN(const int64_t measurement_cost, MeasurementCost(job, task, model));
  cost += measurement_cost;
  // Again, before anything is measured.
  RETURN_IF_ERROR(CheckSize(job, task, MaxImages(cost, limits)).status());
  RETURN_IF_ERROR(CheckProjections(job, task, model, size));
  JobWork work;
  ASSIGN_OR_RETURN(work.task, Resolve(job, task, model));
  RETURN_IF_ERROR(CheckSteps(job, work.task, limits.max_steps_per_job));
  ASSIGN_OR_RETURN(work.reference, ReadReference(job, model, size, limits.max_image_pixels));
  work.cost_bytes = size.results * cost;
  return work;
}

}  // namespace

absl::StatusOr<JobWork> ReadJobWork(const v1::Job& job, const DiffusionModel& model,
                                    const RequestLimits& limits) {
  try {
    return Read(job, model, limits);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("the job cannot be checked: ", error.what()));
  }
}

at::Tensor ExpandReference(const at::Tensor& reference, int64_t num_images) {
  const int64_t rows = reference.size(0);
  if (rows == 1 || rows == num_images) return reference;
  return reference.repeat_interleave(num_images / rows, 0);
}

}  // namespace tweedie
