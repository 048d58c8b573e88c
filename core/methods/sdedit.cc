#include "core/methods/sdedit.h"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/method_needs.h"
#include "core/methods/noising.h"
#include "core/methods/number_fields.h"
#include "core/methods/task_process.h"
#include "core/noise/noise.h"
#include "core/operators/make_operator.h"

namespace tweedie {
namespace {

// K, the timesteps of the process.
int NumTimesteps(const SdeditTask& task, const DiffusionModel& model) {
  const double k = std::round(*task.strength * model.schedule.num_timesteps());
  return std::max(1, static_cast<int>(k));
}

at::Tensor GuideNoise(uint64_t seed, uint32_t repeat, const at::Tensor& like) {
  NoiseKey key;
  key.seed = seed;
  key.step = repeat;
  key.purpose = NoisePurpose::kGuide;
  return Normals(key, like.size(0), like.sizes().slice(1));
}

absl::Status CheckKeepMask(const at::Tensor& mask, const at::Tensor& guide) {
  if (!at::is_expandable_to(mask.sizes(), guide.sizes())) {
    return FieldError("keep_mask",
                      absl::StrCat("must be broadcastable to [", absl::StrJoin(guide.sizes(), ", "),
                                   "]; was [", absl::StrJoin(mask.sizes(), ", "), "]"));
  }
  if (mask.eq(0).logical_or(mask.eq(1)).all().item<bool>()) return absl::OkStatus();
  return FieldError("keep_mask", "must hold only 0 and 1");
}

absl::Status CheckGuide(const SdeditTask& task, const TaskContext& context) {
  RETURN_IF_ERROR(CheckImages("guide", task.guide, context.model));
  if (task.keep_measured) {
    return FieldError("keep_measured", "is only for a measurement; must be unset for a guide");
  }
  return task.keep_mask.defined() ? CheckKeepMask(task.keep_mask, task.guide) : absl::OkStatus();
}

absl::Status CheckMeasurement(const SdeditTask& task, const TaskContext& context) {
  if (task.keep_mask.defined()) {
    return FieldError("keep_mask", "is only for a guide; must be unset for a measurement");
  }
  const OperatorSpec& forward_operator = task.measurement->forward_operator;
  if (task.keep_measured && !std::holds_alternative<InpaintingSpec>(forward_operator)) {
    return FieldError("keep_measured", absl::StrCat("is only for inpainting; must be unset for ",
                                                    OperatorKind(forward_operator)));
  }
  return CheckServes("sdedit", *task.measurement, *context.measurement, context.model.image_shape);
}

absl::Status CheckSource(const SdeditTask& task, const TaskContext& context) {
  if (task.guide.defined() == task.measurement.has_value()) {
    return FieldError("source", "must be one of `guide` and `measurement`");
  }
  return task.guide.defined() ? CheckGuide(task, context) : CheckMeasurement(task, context);
}

// True where a pixel of `guide` [N, C, H, W] is kept; undefined if none is.
at::Tensor KeptOf(const SdeditTask& task, const TaskContext& context, const at::Tensor& guide) {
  if (task.keep_mask.defined()) return task.keep_mask.ne(0).expand(guide.sizes());
  if (!task.keep_measured) return at::Tensor();
  const at::Tensor measured = context.measurement->A->measured();
  return measured.defined() ? measured.ne(0).expand(guide.sizes())
                            : at::ones(guide.sizes(), at::kBool);
}

}  // namespace

KeptPixels::KeptPixels(std::unique_ptr<StepRule> rule, at::Tensor guide, at::Tensor mask,
                       uint64_t seed)
    : rule_(std::move(rule)), guide_(std::move(guide)), mask_(std::move(mask)), seed_(seed) {}

at::Tensor KeptPixels::Arrive(const StepLevels& levels, const at::Tensor& x) const {
  if (levels.last) return at::where(mask_, guide_, x);
  const at::Tensor e = GuideNoise(seed_, levels.climbs, guide_);
  return at::where(mask_, Noised(guide_, levels.alpha_bar_s, e), x);
}

absl::StatusOr<SdeditTask> Resolve(const SdeditTask& task, const TaskContext& context) {
  RETURN_IF_ERROR(CheckSource(task, context));
  SdeditTask resolved = task;
  resolved.strength = task.strength.value_or(0.5);
  if (!(*resolved.strength > 0 && *resolved.strength <= 1)) {
    return FieldError("strength", absl::StrCat("must be in (0, 1]; was ", *resolved.strength));
  }
  ASSIGN_OR_RETURN(resolved.process, ResolveProcessField(task.process, context.model,
                                                         NumTimesteps(resolved, context.model)));
  RETURN_IF_ERROR(CheckCount("num_repeats", task.num_repeats));
  resolved.num_repeats = std::max(task.num_repeats, 1);
  RETURN_IF_ERROR(CheckEvaluations("num_repeats", resolved.num_repeats,
                                   1.0 * resolved.num_repeats * resolved.process.num_steps));
  return resolved;
}

absl::Status SetUp(const SdeditTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  const int k = NumTimesteps(task, context.model);
  RETURN_IF_ERROR(SetProcess(task.process, k, options));
  options->path.pop_back();
  options->path = RepeatedDescents(options->path, task.num_repeats);
  options->climb_noise = NoisePurpose::kGuide;
  const int samples = context.samples_per_image;
  const at::Tensor source = task.guide.defined() ? task.guide : context.measurement->y;
  const at::Tensor guide = source.repeat_interleave(samples, 0).contiguous();
  options->x =
      Noised(guide, context.model.schedule.alpha_bar(k - 1), GuideNoise(context.seed, 0, guide));
  const at::Tensor kept = KeptOf(task, context, source);
  if (!kept.defined()) return absl::OkStatus();
  options->rule = std::make_unique<KeptPixels>(std::move(options->rule), guide,
                                               kept.repeat_interleave(samples, 0), context.seed);
  return absl::OkStatus();
}

}  // namespace tweedie
