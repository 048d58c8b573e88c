#include "core/methods/ddrm.h"

#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/methods/method_needs.h"
#include "core/methods/number_fields.h"
#include "core/methods/task_process.h"

namespace tweedie {
namespace {

constexpr int kDefaultSteps = 20;
constexpr double kDefaultEta = 0.85;
constexpr double kDefaultEtaB = 1;

// sigma_s of variance-exploding units.
double Sigma(double alpha_bar) { return std::sqrt((1 - alpha_bar) / alpha_bar); }

// sqrt(v^2 - d^2), 0 where that is not had.
at::Tensor Rest(double v, const at::Tensor& d) {
  return d.mul(d).neg().add(v * v).clamp_min(0).sqrt();
}

}  // namespace

Ddrm::Ddrm(SpectralRows rows, double eta, double eta_b)
    : rows_(std::move(rows)), eta_(eta), eta_b_(eta_b) {}

at::Tensor Ddrm::Step(const StepInput& in) const {
  const double v = Sigma(in.levels.alpha_bar_s);
  const double keep = std::sqrt(1 - eta_ * eta_) * v;
  const at::Tensor& d = rows_.deviation;
  const at::Tensor x0_hat = rows_.Coordinates(in.x0_hat);
  const at::Tensor z = in.levels.last ? at::zeros_like(x0_hat) : rows_.Coordinates(in.z);
  const at::Tensor noise = z.mul(eta_ * v);
  const at::Tensor unmeasured = x0_hat.add(rows_.Coordinates(in.eps).mul(keep)).add(noise);
  const at::Tensor clear =
      x0_hat.mul(1 - eta_b_).add(rows_.y_bar.mul(eta_b_)).add(Rest(v, d.mul(eta_b_)).mul(z));
  const at::Tensor blurred = x0_hat.add(rows_.y_bar.sub(x0_hat).div(d).mul(keep)).add(noise);
  const at::Tensor x_s = at::where(rows_.measured, at::where(d.le(v), clear, blurred), unmeasured);
  return rows_.Images(x_s.mul(std::sqrt(in.levels.alpha_bar_s)));
}

at::Tensor DdrmStart(const SpectralRows& rows, double alpha_bar, const at::Tensor& z) {
  const double v = Sigma(alpha_bar);
  const at::Tensor c = rows.Coordinates(z);
  const at::Tensor clear = rows.y_bar.add(Rest(v, rows.deviation).mul(c));
  const at::Tensor start =
      at::where(rows.measured.logical_and(rows.deviation.le(v)), clear, c.mul(v));
  return rows.Images(start.mul(std::sqrt(alpha_bar)));
}

absl::StatusOr<DdrmTask> Resolve(const DdrmTask& task, const TaskContext& context) {
  const DiffusionModel& model = context.model;
  RETURN_IF_ERROR(CheckServes("ddrm", task.measurement, *context.measurement, model.image_shape));
  RETURN_IF_ERROR(CheckSignal(model));
  DdrmTask resolved = task;
  ASSIGN_OR_RETURN(resolved.process,
                   ResolveLevelsField(WithSteps(task.process, model, kDefaultSteps), model));
  resolved.eta = task.eta.value_or(kDefaultEta);
  RETURN_IF_ERROR(CheckInUnitInterval("eta", *resolved.eta));
  resolved.eta_b = task.eta_b.value_or(kDefaultEtaB);
  RETURN_IF_ERROR(CheckInUnitInterval("eta_b", *resolved.eta_b));
  return resolved;
}

absl::Status SetUp(const DdrmTask& task, const TaskContext& context,
                   ReverseLoop::Options* options) {
  ASSIGN_OR_RETURN(const std::vector<int> kept, SetLevels(task.process, options));
  SpectralRows rows(context);
  options->path = StepsDown(kept);
  options->x = DdrmStart(rows, context.model.schedule.alpha_bar(kept.front()),
                         InitialNoise(context, context.num_rows()));
  options->rule = std::make_unique<Ddrm>(std::move(rows), *task.eta, *task.eta_b);
  return absl::OkStatus();
}

}  // namespace tweedie
