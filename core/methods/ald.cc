#include "core/methods/ald.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
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

// sigma_t^2 of variance-exploding units.
double SquaredSigma(double alpha_bar) { return (1 - alpha_bar) / alpha_bar; }

// c = min(1, 1 / ||A||^2), 1 if A is not linear.
double StableScale(const Operator& A, const ImageShape3& image_shape) {
  if (A.linear() == nullptr) return 1;
  const double norm = Norm(*A.linear(), image_shape);
  return norm > 1 ? 1 / (norm * norm) : 1;
}

AnnealedLikelihood MakeLikelihood(const AldTask& task, const TaskContext& context) {
  const double c = StableScale(*context.measurement->A, context.model.image_shape);
  return AnnealedLikelihood(RowsOf(context), *task.gamma_scale, *task.likelihood_scale * c);
}

absl::Status OnlyForLangevin(absl::string_view field) {
  return FieldError(field, "is only for LANGEVIN; must be unset for ANCESTRAL");
}

absl::Status ResolveAncestral(const DiffusionModel& model, AldTask* task) {
  if (task->steps_per_level != 0) return OnlyForLangevin("steps_per_level");
  if (task->step_size.has_value()) return OnlyForLangevin("step_size");
  ASSIGN_OR_RETURN(task->process,
                   ResolveProcessField(task->process, model, model.schedule.num_timesteps()));
  return absl::OkStatus();
}

absl::Status ResolveLangevin(const DiffusionModel& model, AldTask* task) {
  ASSIGN_OR_RETURN(task->process, ResolveLevelsField(task->process, model));
  RETURN_IF_ERROR(CheckCount("steps_per_level", task->steps_per_level));
  if (task->steps_per_level == 0) task->steps_per_level = 3;
  task->step_size = task->step_size.value_or(0.1);
  if (!(*task->step_size > 0 && *task->step_size <= 1)) {
    return FieldError("step_size", absl::StrCat("must be in (0, 1]; was ", *task->step_size));
  }
  return CheckEvaluations("steps_per_level", task->steps_per_level,
                          1.0 * task->steps_per_level * task->process.num_steps);
}

}  // namespace

AnnealedLikelihood::AnnealedLikelihood(MeasuredRows rows, double gamma_scale, double scale)
    : rows_(std::move(rows)), gamma_scale_(gamma_scale), scale_(scale) {}

double AnnealedLikelihood::SquaredGamma(double alpha_bar) const {
  return gamma_scale_ * gamma_scale_ * SquaredSigma(alpha_bar);
}

at::Tensor AnnealedLikelihood::Pull(const at::Tensor& x_t, double alpha_bar_t,
                                    double weight) const {
  std::vector<double> factors;
  for (const double sigma : rows_.sigma) {
    // Where alpha_bar rounds to 1 there is no way to go, and nothing to divide by.
    const double variance = sigma * sigma + SquaredGamma(alpha_bar_t);
    factors.push_back(variance > 0 ? weight * scale_ / variance : 0);
  }
  const at::Tensor u = x_t.mul(1 / std::sqrt(alpha_bar_t));
  return ResidualGradient(rows_, u).mul(RowFactors(factors));
}

AncestralAld::AncestralAld(std::unique_ptr<StepRule> rule, AnnealedLikelihood likelihood)
    : rule_(std::move(rule)), likelihood_(std::move(likelihood)) {}

at::Tensor AncestralAld::Step(const StepInput& in) const {
  const double alpha_bar_t = in.levels.alpha_bar_t;
  const double alpha_bar_s = in.levels.alpha_bar_s;
  const double way = likelihood_.SquaredGamma(alpha_bar_t) - likelihood_.SquaredGamma(alpha_bar_s);
  return rule_->Step(in).sub(likelihood_.Pull(in.x_t, alpha_bar_t, std::sqrt(alpha_bar_s) * way));
}

LangevinAld::LangevinAld(AnnealedLikelihood likelihood, double step_size)
    : likelihood_(std::move(likelihood)), step_size_(step_size) {}

at::Tensor LangevinAld::Step(const StepInput& in) const {
  if (in.levels.last) return in.x0_hat;
  const double alpha_bar_t = in.levels.alpha_bar_t;
  const double sigma_t = std::sqrt(SquaredSigma(alpha_bar_t));
  const double a = step_size_ * sigma_t * sigma_t;
  const at::Tensor u = in.x_t.mul(1 / std::sqrt(alpha_bar_t))
                           .sub(in.eps.mul(step_size_ * sigma_t))
                           .sub(likelihood_.Pull(in.x_t, alpha_bar_t, a))
                           .add(in.z.mul(std::sqrt(2 * a)));
  return u.mul(std::sqrt(in.levels.alpha_bar_s));
}

absl::StatusOr<AldTask> Resolve(const AldTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(CheckServes("ald", task.measurement, *context.measurement, model.image_shape));
  RETURN_IF_ERROR(CheckSignal(model));
  AldTask resolved = task;
  RETURN_IF_ERROR(task.prior == AldPrior::kLangevin ? ResolveLangevin(model, &resolved)
                                                    : ResolveAncestral(model, &resolved));
  resolved.gamma_scale = task.gamma_scale.value_or(1);
  RETURN_IF_ERROR(CheckAboveZero("gamma_scale", *resolved.gamma_scale));
  resolved.likelihood_scale = task.likelihood_scale.value_or(1);
  RETURN_IF_ERROR(CheckAtLeastZero("likelihood_scale", *resolved.likelihood_scale));
  return resolved;
}

absl::Status SetUp(const AldTask& task, const TaskContext& context, ReverseLoop::Options* options) {
  options->x = InitialNoise(context, context.num_rows());
  AnnealedLikelihood likelihood = MakeLikelihood(task, context);
  if (task.prior == AldPrior::kLangevin) {
    ASSIGN_OR_RETURN(const std::vector<int> kept, SetLevels(task.process, options));
    options->path = RepeatedLevels(kept, task.steps_per_level);
    options->rule = std::make_unique<LangevinAld>(std::move(likelihood), *task.step_size);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(SetProcess(task.process, context.model.schedule.num_timesteps(), options));
  options->rule = std::make_unique<AncestralAld>(std::move(options->rule), std::move(likelihood));
  return absl::OkStatus();
}

}  // namespace tweedie
