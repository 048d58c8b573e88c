#include "server/convert/job_work.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"
#include "core/methods/make_method.h"
#include "server/convert/images_proto.h"
#include "server/convert/task_proto.h"

namespace tweedie {
namespace {

// x_t, x0_hat, noise, the network's input and output, the checkpoint and the
// copies on their way to watchers: an estimate, in float32 images.
constexpr int64_t kTensorsPerImage = 8;

struct JobSize {
  int64_t inputs = 0;   // the images made, for tasks without input
  int64_t results = 0;  // inputs * samples_per_image
};

int64_t ImageCost(const DiffusionModel& model) {
  const auto& [channels, height, width] = model.image_shape;
  return channels * height * width * int64_t{sizeof(float)} * kTensorsPerImage;
}

// The most results of one job: what `limits` say, in images.
int MaxImages(const DiffusionModel& model, const RequestLimits& limits) {
  const int64_t by_cost = limits.max_cost_bytes / ImageCost(model);
  return static_cast<int>(std::clamp<int64_t>(by_cost, 0, limits.max_images_per_job));
}

// How many images the message claims to hold; ReadImages() checks that it does.
int64_t ClaimedImages(const v1::Images& images) {
  if (images.has_encoded()) return images.encoded().files_size();
  return images.tensor().shape_size() == 4 ? images.tensor().shape(0) : 1;
}

absl::Status TooMany(absl::string_view field, int64_t most, int64_t count) {
  return FieldError(field, absl::StrCat("must be at most ", most,
                                        " (limit of one job with this model); was ", count));
}

absl::StatusOr<JobSize> CheckSize(const v1::Job& job, const TaskSpec& task, int64_t max_images) {
  const bool sample = job.has_sample();
  if (!sample && !job.denoise().has_images()) {
    return FieldError("job.denoise.images", "is required");
  }
  const int64_t inputs =
      sample ? std::get<SampleTask>(task.task).num_images : ClaimedImages(job.denoise().images());
  if (inputs > max_images) {
    return TooMany(sample ? "job.sample.num_images" : "job.denoise.images", max_images, inputs);
  }
  if (inputs > 0 && task.samples_per_image > max_images / inputs) {
    return TooMany("job.samples_per_image", max_images / inputs, task.samples_per_image);
  }
  return JobSize{inputs, inputs * task.samples_per_image};
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

absl::StatusOr<at::Tensor> ReadImagesField(absl::string_view field, const v1::Images& images,
                                           const DiffusionModel& model, int64_t max_images) {
  absl::StatusOr<at::Tensor> tensor =
      ReadImages(images, model.image_shape, static_cast<int>(max_images));
  if (tensor.ok()) return tensor;
  return InField(field, tensor.status());
}

absl::StatusOr<at::Tensor> ReadReference(const v1::Job& job, const DiffusionModel& model,
                                         const JobSize& size) {
  if (!job.has_reference()) return at::Tensor();
  RETURN_IF_ERROR(CheckCount("job.reference", ClaimedImages(job.reference()), size));
  return ReadImagesField("job.reference", job.reference(), model, size.results);
}

absl::StatusOr<TaskSpec> Resolve(const v1::Job& job, const TaskSpec& task,
                                 const DiffusionModel& model) {
  absl::StatusOr<TaskSpec> resolved = ResolveTask(task, model);
  if (resolved.ok()) return resolved;
  return InField(absl::StrCat("job.", TaskField(job)), resolved.status());
}

}  // namespace

absl::StatusOr<JobWork> ReadJobWork(const v1::Job& job, const DiffusionModel& model,
                                    const RequestLimits& limits) {
  absl::StatusOr<TaskSpec> read = ReadTask(job);
  if (!read.ok()) return InField("job", read.status());
  TaskSpec task = *std::move(read);
  ASSIGN_OR_RETURN(const JobSize size, CheckSize(job, task, MaxImages(model, limits)));
  RETURN_IF_ERROR(CheckClassLabels(task.class_labels, model.num_classes, size));
  task.class_labels = ExpandLabels(std::move(task.class_labels), size);
  if (!job.has_seed()) task.seed = RandomBits();
  if (auto* denoise = std::get_if<DenoiseTask>(&task.task)) {
    ASSIGN_OR_RETURN(denoise->images, ReadImagesField("job.denoise.images", job.denoise().images(),
                                                      model, size.inputs));
  }
  JobWork work;
  ASSIGN_OR_RETURN(work.task, Resolve(job, task, model));
  ASSIGN_OR_RETURN(work.reference, ReadReference(job, model, size));
  work.cost_bytes = size.results * ImageCost(model);
  return work;
}

at::Tensor ExpandReference(const at::Tensor& reference, int64_t num_images) {
  const int64_t rows = reference.size(0);
  if (rows == 1 || rows == num_images) return reference;
  return reference.repeat_interleave(num_images / rows, 0);
}

}  // namespace tweedie
