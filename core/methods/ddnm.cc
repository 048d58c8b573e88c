#include "core/methods/ddnm.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/method_needs.h"
#include "core/methods/number_fields.h"
#include "core/methods/task_process.h"
#include "core/operators/solve.h"

namespace tweedie {
namespace {

constexpr int kDefaultSteps = 100;
constexpr double kDefaultEta = 0.85;

absl::Status ResolveTravel(DdnmTask* task) {
  RETURN_IF_ERROR(CheckCount("travel_length", task->travel_length));
  RETURN_IF_ERROR(CheckCount("travel_repeats", task->travel_repeats));
  if (task->travel_length == 0 && task->travel_repeats > 1) {
    return FieldError("travel_repeats", absl::StrCat("is only for a travel_length above 0; was ",
                                                     task->travel_repeats));
  }
  task->travel_repeats = std::max(task->travel_repeats, 1);
  return CheckEvaluations("travel_repeats", task->travel_repeats,
                          1.0 * task->travel_repeats * task->process.num_steps);
}

}  // namespace

Ddnm::Ddnm(MeasuredRows rows, double eta) : rows_(std::move(rows)), eta_(eta) {}

at::Tensor Ddnm::Step(const StepInput& in) const {
  const at::Tensor fitted = Fitted(*rows_.A->linear(), rows_.y, in.x0_hat);
  if (in.levels.last) return fitted;
  const double a = std::sqrt(in.levels.alpha_bar_s);
  const double b = std::sqrt(1 - in.levels.alpha_bar_s);
  const at::Tensor x_s = fitted.mul(a).add(in.eps.mul(b * std::sqrt(1 - eta_ * eta_)));
  return Draws(in.levels) ? x_s.add(in.z.mul(b * eta_)) : x_s;
}

DdnmPlus::DdnmPlus(SpectralRows rows, double eta) : rows_(std::move(rows)), eta_(eta) {}

at::Tensor DdnmPlus::Measured(const StepInput& in, const at::Tensor& x0_hat,
                              const at::Tensor& z) const {
  const double a = std::sqrt(in.levels.alpha_bar_s);
  const double b = std::sqrt(1 - in.levels.alpha_bar_s);
  const at::Tensor noise = rows_.deviation.mul(a);
  const at::Tensor blurred = noise.gt(b);
  const at::Tensor lambda =
      at::where(blurred, noise.reciprocal().mul(b * std::sqrt(1 - eta_ * eta_)), 1.0);
  const at::Tensor rest = noise.mul(noise).neg().add(b * b).clamp_min(0).sqrt();
  const at::Tensor fitted = x0_hat.sub(x0_hat.sub(rows_.y_bar).mul(lambda));
  return fitted.mul(a).add(z.mul(at::where(blurred, b * eta_, rest)));
}

at::Tensor DdnmPlus::Unmeasured(const StepInput& in, const at::Tensor& x0_hat,
                                const at::Tensor& z) const {
  const double b = std::sqrt(1 - in.levels.alpha_bar_s);
  return x0_hat.mul(std::sqrt(in.levels.alpha_bar_s))
      .add(z.mul(b * eta_))
      .add(rows_.Coordinates(in.eps).mul(b * std::sqrt(1 - eta_ * eta_)));
}

at::Tensor DdnmPlus::Step(const StepInput& in) const {
  const at::Tensor x0_hat = rows_.Coordinates(in.x0_hat);
  const at::Tensor z = in.levels.last ? at::zeros_like(x0_hat) : rows_.Coordinates(in.z);
  return rows_.Images(
      at::where(rows_.measured, Measured(in, x0_hat, z), Unmeasured(in, x0_hat, z)));
}

absl::StatusOr<DdnmTask> Resolve(const DdnmTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(CheckServes("ddnm", task.measurement, *context.measurement, model.image_shape));
  DdnmTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process,
                   ResolveLevelsField(WithSteps(task.process, model, kDefaultSteps), model));
  resolved.eta = task.eta.value_or(kDefaultEta);
  RETURN_IF_ERROR(CheckInUnitInterval("eta", *resolved.eta));
  RETURN_IF_ERROR(ResolveTravel(&resolved));
  return resolved;
}

absl::Status SetUp(const DdnmTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  ASSIGN_OR_RETURN(const std::vector<int> kept, SetLevels(task.process, options));
  options->path = Jumps(kept, task.travel_length, task.travel_repeats);
  options->x = InitialNoise(context, context.num_rows());
  if (context.measurement->noisy) {
    options->rule = std::make_unique<DdnmPlus>(SpectralRows(context), *task.eta);
  } else {
    options->rule = std::make_unique<Ddnm>(RowsOf(context), *task.eta);
  }
  return absl::OkStatus();
}

}  // namespace tweedie
