#include "core/methods/repaint.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/base/status_macros.h"
#include "core/methods/measured_rows.h"
#include "core/methods/method_needs.h"
#include "core/methods/noising.h"
#include "core/methods/number_fields.h"
#include "core/methods/task_process.h"
#include "core/noise/noise.h"

namespace tweedie {
namespace {

constexpr int kDefaultSteps = 250;
constexpr int kDefaultJump = 10;

absl::Status ResolveJumps(RepaintTask* task) {
  RETURN_IF_ERROR(CheckCount("jump_length", task->jump_length));
  RETURN_IF_ERROR(CheckCount("num_resamples", task->num_resamples));
  if (task->jump_length == 0) task->jump_length = kDefaultJump;
  if (task->num_resamples == 0) task->num_resamples = kDefaultJump;
  return CheckEvaluations("num_resamples", task->num_resamples,
                          1.0 * task->num_resamples * task->process.num_steps);
}

}  // namespace

Repaint::Repaint(std::unique_ptr<StepRule> rule, at::Tensor y, at::Tensor known, uint64_t seed)
    : rule_(std::move(rule)), y_(std::move(y)), known_(std::move(known)), seed_(seed) {}

at::Tensor Repaint::Arrive(const StepLevels& levels, const at::Tensor& x) const {
  if (levels.last) return at::where(known_, y_, x);
  NoiseKey key;
  key.seed = seed_;
  key.step = levels.step;
  key.purpose = NoisePurpose::kRenoise;
  key.inner = 1;
  const at::Tensor z = Normals(key, x.size(0), x.sizes().slice(1));
  return at::where(known_, Noised(y_, levels.alpha_bar_s, z), x);
}

absl::StatusOr<RepaintTask> Resolve(const RepaintTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(
      CheckServes("repaint", task.measurement, *context.measurement, model.image_shape));
  RETURN_IF_ERROR(CheckKindField(task.process, ProcessKind::kDdpm));
  RepaintTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process,
                   ResolveProcessField(WithSteps(task.process, model, kDefaultSteps), model,
                                       model.schedule.num_timesteps()));
  RETURN_IF_ERROR(ResolveJumps(&resolved));
  return resolved;
}

absl::Status SetUp(const RepaintTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  RETURN_IF_ERROR(SetProcess(task.process, context.model.schedule.num_timesteps(), options));
  options->path.pop_back();
  options->path = Jumps(options->path, task.jump_length, task.num_resamples);
  options->x = InitialNoise(context, context.num_rows());
  MeasuredRows rows = RowsOf(context);
  const at::Tensor measured = rows.A->measured();
  const at::Tensor known = measured.defined() ? measured.ne(0) : at::ones({1, 1, 1}, at::kBool);
  options->rule = std::make_unique<Repaint>(std::move(options->rule), rows.y, known, context.seed);
  return absl::OkStatus();
}

}  // namespace tweedie
