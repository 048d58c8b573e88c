#include "core/methods/dps.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/base/status_macros.h"
#include "core/methods/dps_defaults.h"
#include "core/methods/method_needs.h"
#include "core/methods/number_fields.h"
#include "core/methods/task_process.h"

namespace tweedie {

Dps::Dps(std::unique_ptr<StepRule> rule, MeasuredRows rows, DpsObjective objective, double zeta)
    : rule_(std::move(rule)), rows_(std::move(rows)), objective_(objective), zeta_(zeta) {}

at::Tensor Dps::GuidanceLoss(const GuidedRows& rows) const {
  const at::Tensor residual = Residual(rows_, rows.x0_hat.cpu(), rows.first_row);
  return objective_ == DpsObjective::kNorm ? Norms(residual) : SquaredNorms(residual);
}

at::Tensor Dps::Step(const StepInput& in) const {
  return rule_->Step(in).sub(in.gradient.mul(zeta_));
}

absl::StatusOr<DpsTask> Resolve(const DpsTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(CheckServes("dps", task.measurement, *context.measurement, model.image_shape));
  DpsTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process,
                   ResolveProcessField(task.process, model, model.schedule.num_timesteps()));
  resolved.zeta = task.zeta.value_or(
      DefaultZeta(task.measurement.forward_operator, task.objective, resolved.process.num_steps));
  RETURN_IF_ERROR(CheckAtLeastZero("zeta", *resolved.zeta));
  return resolved;
}

absl::Status SetUp(const DpsTask& task, const TaskContext& context, ReverseLoop::Options* options) {
  RETURN_IF_ERROR(SetProcess(task.process, context.model.schedule.num_timesteps(), options));
  options->x = InitialNoise(context, context.num_rows());
  options->rule =
      std::make_unique<Dps>(std::move(options->rule), RowsOf(context), task.objective, *task.zeta);
  return absl::OkStatus();
}

}  // namespace tweedie
