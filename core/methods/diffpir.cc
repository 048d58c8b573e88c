#include "core/methods/diffpir.h"

#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/diffusion/prediction.h"
#include "core/methods/diffpir_defaults.h"
#include "core/methods/method_needs.h"
#include "core/methods/number_fields.h"
#include "core/methods/task_process.h"
#include "core/operators/solve.h"

namespace tweedie {
namespace {

constexpr int kDefaultSteps = 100;
constexpr double kSigmaOfNone = 0.001;

}  // namespace

Diffpir::Diffpir(MeasuredRows rows, double lambda, double zeta)
    : rows_(std::move(rows)), lambda_(lambda), zeta_(zeta) {}

at::Tensor Diffpir::Step(const StepInput& in) const {
  const double alpha_bar_t = in.levels.alpha_bar_t;
  const double b = std::sqrt(1 - in.levels.alpha_bar_s);
  std::vector<double> rho;
  for (double sigma : rows_.sigma) {
    if (sigma == 0) sigma = kSigmaOfNone;
    rho.push_back(lambda_ * sigma * sigma * alpha_bar_t / (1 - alpha_bar_t));
  }
  const at::Tensor fitted = Proximal(*rows_.A->linear(), rows_.y, in.x0_hat,
                                     at::tensor(at::ArrayRef<double>(rho), at::kDouble));
  if (in.levels.last) return fitted;
  const at::Tensor eps = EpsOfX0Hat(fitted, in.x_t, alpha_bar_t);
  const at::Tensor x_s =
      fitted.mul(std::sqrt(in.levels.alpha_bar_s)).add(eps.mul(b * std::sqrt(1 - zeta_)));
  return Draws(in.levels) ? x_s.add(in.z.mul(b * std::sqrt(zeta_))) : x_s;
}

absl::StatusOr<DiffpirTask> Resolve(const DiffpirTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(
      CheckServes("diffpir", task.measurement, *context.measurement, model.image_shape));
  RETURN_IF_ERROR(CheckSignal(model));
  DiffpirTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process,
                   ResolveLevelsField(WithSteps(task.process, model, kDefaultSteps), model));
  const DiffpirDefaults defaults = DefaultsOfDiffpir(task.measurement.forward_operator);
  resolved.lambda = task.lambda.value_or(defaults.lambda);
  RETURN_IF_ERROR(CheckAboveZero("lambda", *resolved.lambda));
  resolved.zeta = task.zeta.value_or(defaults.zeta);
  RETURN_IF_ERROR(CheckInUnitInterval("zeta", *resolved.zeta));
  return resolved;
}

absl::Status SetUp(const DiffpirTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  ASSIGN_OR_RETURN(const std::vector<int> kept, SetLevels(task.process, options));
  options->path = StepsDown(kept);
  options->x = InitialNoise(context, context.num_rows());
  options->rule = std::make_unique<Diffpir>(RowsOf(context), *task.lambda, *task.zeta);
  return absl::OkStatus();
}

}  // namespace tweedie
