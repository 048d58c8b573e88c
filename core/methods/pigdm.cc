#include "core/methods/pigdm.h"

#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/methods/method_needs.h"
#include "core/methods/task_process.h"
#include "core/operators/solve.h"

namespace tweedie {
namespace {

constexpr int kDefaultSteps = 100;
constexpr double kDefaultEta = 1;

// A^T (A A^T + rho I)^-1 r, of one row.
at::Tensor Solve(const LinearOperator& A, const at::Tensor& r, double rho) {
  if (rho == 0) return PseudoInverse(A, r);
  return Proximal(A, r, at::Tensor(), at::full({1}, rho, at::kDouble));
}

}  // namespace

Pigdm::Pigdm(MeasuredRows rows, double eta) : rows_(std::move(rows)), ddim_(eta) {}

at::Tensor Pigdm::GuidanceLoss(const GuidedRows& rows) const {
  const at::Tensor x0_hat = rows.x0_hat.cpu();
  const at::Tensor residual = Residual(rows_, x0_hat.detach(), rows.first_row).neg();
  std::vector<at::Tensor> pull;
  for (int64_t i = 0; i < x0_hat.size(0); ++i) {
    const double sigma = rows_.sigma[static_cast<size_t>(rows.first_row + i)];
    pull.push_back(Solve(*rows_.A->linear(), residual.narrow(0, i, 1),
                         sigma * sigma / (1 - rows.levels.alpha_bar_t)));
  }
  return FrozenProducts(at::cat(pull), x0_hat);
}

at::Tensor Pigdm::Step(const StepInput& in) const {
  const double scale = std::sqrt(in.levels.alpha_bar_s) * std::sqrt(in.levels.alpha_bar_t);
  return ddim_.Step(in).add(in.gradient.mul(scale));
}

absl::StatusOr<PigdmTask> Resolve(const PigdmTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(CheckServes("pigdm", task.measurement, *context.measurement, model.image_shape));
  RETURN_IF_ERROR(CheckKindField(task.process, ProcessKind::kDdim));
  PigdmTask resolved = task;
  resolved.process = WithSteps(task.process, model, kDefaultSteps);
  resolved.process.eta = task.process.eta.value_or(kDefaultEta);
  ASSIGN_OR_RETURN(resolved.process,
                   ResolveProcessField(resolved.process, model, model.schedule.num_timesteps()));
  return resolved;
}

absl::Status SetUp(const PigdmTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  RETURN_IF_ERROR(SetProcess(task.process, context.model.schedule.num_timesteps(), options));
  options->x = InitialNoise(context, context.num_rows());
  options->rule = std::make_unique<Pigdm>(RowsOf(context), *task.process.eta);
  return absl::OkStatus();
}

}  // namespace tweedie
