#include "core/methods/task_process.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/methods/reverse_process.h"

namespace tweedie {
namespace {

absl::StatusOr<ReverseProcessSpec> SpecOf(absl::StatusOr<ResolvedProcess> process) {
  if (!process.ok()) return InField("process", process.status());
  return std::move(process->spec);
}

}  // namespace

absl::StatusOr<ReverseProcessSpec> ResolveSamplingField(const ReverseProcessSpec& spec,
                                                        const DiffusionModel& model,
                                                        int num_timesteps) {
  return SpecOf(ResolveProcess(spec, model, num_timesteps));
}

absl::StatusOr<ReverseProcessSpec> ResolveProcessField(const ReverseProcessSpec& spec,
                                                       const DiffusionModel& model,
                                                       int num_timesteps) {
  if (spec.kind == ProcessKind::kDpmSolverPp2m) {
    return FieldError("process.kind",
                      "must be DDPM or DDIM (DPM_SOLVER_PP_2M is for sampling only); was "
                      "DPM_SOLVER_PP_2M");
  }
  return SpecOf(ResolveProcess(spec, model, num_timesteps));
}

absl::Status CheckKindField(ReverseProcessSpec spec, ProcessKind kind) {
  if (spec.kind == kind) return absl::OkStatus();
  return FieldError("process.kind",
                    absl::StrCat("must be ", NameOf(kind), "; was ", NameOf(spec.kind)));
}

absl::StatusOr<ReverseProcessSpec> ResolveLevelsField(const ReverseProcessSpec& spec,
                                                      const DiffusionModel& model) {
  return SpecOf(ResolveLevels(spec, model));
}

ReverseProcessSpec WithSteps(ReverseProcessSpec spec, const DiffusionModel& model, int num_steps) {
  if (spec.num_steps == 0) spec.num_steps = std::min(num_steps, model.schedule.num_timesteps());
  return spec;
}

absl::Status CheckSignal(const DiffusionModel& model) {
  if (model.schedule.alpha_bar(model.schedule.num_timesteps() - 1) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the model's schedule is rescaled to leave no signal at its highest timestep, which this "
      "method divides by");
}

absl::Status SetProcess(const ReverseProcessSpec& spec, int num_timesteps,
                        ReverseLoop::Options* options) {
  ASSIGN_OR_RETURN(const ResolvedProcess process,
                   ResolveProcess(spec, *options->model, num_timesteps));
  options->path = StepsDown(process.timesteps);
  options->rule = MakeStepRule(process.spec);
  options->clipping = MakeClipping(options->model->scheduler, *process.spec.clip_x0);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int>> SetLevels(const ReverseProcessSpec& spec,
                                           ReverseLoop::Options* options) {
  ASSIGN_OR_RETURN(ResolvedProcess process, ResolveLevels(spec, *options->model));
  options->clipping = MakeClipping(options->model->scheduler, *process.spec.clip_x0);
  return std::move(process.timesteps);
}

}  // namespace tweedie
