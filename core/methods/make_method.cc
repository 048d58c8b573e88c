#include "core/methods/make_method.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/base/status_macros.h"
#include "core/methods/denoise.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/reverse_process.h"
#include "core/noise/noise.h"

namespace tweedie {
namespace {

using LoopOptions = ReverseLoop::Options;

// One label a row; undefined if there are none.
at::Tensor LabelTensor(const std::vector<int64_t>& labels, int64_t num_images) {
  if (labels.empty()) return at::Tensor();
  const at::Tensor tensor = at::tensor(at::ArrayRef<int64_t>(labels), at::kLong);
  return tensor.expand({num_images}).contiguous();
}

absl::Status SetProcess(const ReverseProcessSpec& spec, int num_timesteps, LoopOptions* options) {
  ASSIGN_OR_RETURN(ResolvedProcess process, ResolveProcess(spec, *options->model, num_timesteps));
  options->timesteps = std::move(process.timesteps);
  options->rule = MakeStepRule(process.spec);
  options->clipping = MakeClipping(options->model->scheduler, *process.spec.clip_x0);
  return absl::OkStatus();
}

// x_T ~ N(0, I), and the process over all timesteps.
absl::Status Set(const SampleTask& task, const TaskSpec& spec, LoopOptions* options) {
  NoiseKey key;
  key.seed = spec.seed;
  key.purpose = NoisePurpose::kInitial;
  options->x = Normals(key, task.num_images, options->model->image_shape);
  return SetProcess(task.process, options->model->schedule.num_timesteps(), options);
}

absl::Status Set(const DenoiseTask& task, const TaskSpec& spec, LoopOptions* options) {
  const NoiseSchedule& schedule = options->model->schedule;
  ASSIGN_OR_RETURN(const int t, TimestepOf(task, schedule));
  options->x = NoisyImages(task, schedule, t, spec.seed, spec.samples_per_image);
  if (task.process.has_value()) return SetProcess(*task.process, t + 1, options);
  options->timesteps = {t};
  options->rule = std::make_unique<TweedieEstimate>();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Method>> MakeMethod(const TaskSpec& spec,
                                                   std::shared_ptr<const DiffusionModel> model,
                                                   const MethodState* saved) {
  ASSIGN_OR_RETURN(const TaskSpec resolved, ResolveTask(spec, *model));
  LoopOptions options;
  options.model = std::move(model);
  options.seed = resolved.seed;
  options.class_labels = LabelTensor(resolved.class_labels, NumImages(resolved));
  const auto set = [&](const auto& task) { return Set(task, resolved, &options); };
  RETURN_IF_ERROR(std::visit(set, resolved.task));
  if (saved != nullptr) return ReverseLoop::Restore(std::move(options), *saved);
  return std::make_unique<ReverseLoop>(std::move(options));
}

}  // namespace tweedie
