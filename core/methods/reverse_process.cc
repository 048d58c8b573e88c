#include "core/methods/reverse_process.h"

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/diffusion/timesteps.h"
#include "core/methods/ancestral.h"
#include "core/methods/ddim.h"
#include "core/methods/dpm_solver.h"

namespace tweedie {
namespace {

absl::Status OnlyFor(absl::string_view field, absl::string_view only, ProcessKind kind) {
  return FieldError(field,
                    absl::StrCat("is only for ", only, "; must be unset for ", NameOf(kind)));
}

absl::Status ResolveEta(ReverseProcessSpec* spec) {
  if (spec->kind != ProcessKind::kDdim) {
    return spec->eta.has_value() ? OnlyFor("eta", "DDIM", spec->kind) : absl::OkStatus();
  }
  const double eta = spec->eta.value_or(0);
  if (!(eta >= 0 && eta <= 1)) {
    return FieldError("eta", absl::StrCat("must be in [0, 1]; was ", eta));
  }
  spec->eta = eta;
  return absl::OkStatus();
}

absl::Status ResolveVariance(const DiffusionModel& model, ReverseProcessSpec* spec) {
  if (spec->kind != ProcessKind::kDdpm) {
    return spec->variance.has_value() ? OnlyFor("variance", "DDPM", spec->kind) : absl::OkStatus();
  }
  spec->variance = spec->variance.value_or(model.scheduler.variance);
  if (spec->variance == Variance::kLearnedRange && !model.learned_variance) {
    return FieldError("variance",
                      "must be FIXED_SMALL or FIXED_LARGE, as the model has learned no variance; "
                      "was LEARNED_RANGE");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int>> ResolveTimesteps(const DiffusionModel& model, int num_timesteps,
                                                  ReverseProcessSpec* spec) {
  if (spec->num_steps == 0) spec->num_steps = num_timesteps;
  spec->spacing = spec->spacing.value_or(model.scheduler.spacing);
  TimestepOptions options;
  options.spacing = *spec->spacing;
  options.num_timesteps = num_timesteps;
  options.num_steps = spec->num_steps;
  const bool covers_all = num_timesteps == model.schedule.num_timesteps();
  options.steps_offset = covers_all ? model.scheduler.steps_offset : 0;
  return KeptTimesteps(options);
}

// The timesteps and the clipping.
absl::StatusOr<ResolvedProcess> ResolveDescent(const ReverseProcessSpec& spec,
                                               const DiffusionModel& model, int num_timesteps) {
  ResolvedProcess process;
  process.spec = spec;
  ASSIGN_OR_RETURN(process.timesteps, ResolveTimesteps(model, num_timesteps, &process.spec));
  RETURN_IF_ERROR(CheckEstimable(model, process.timesteps.front()));
  const bool clips = model.scheduler.clip_sample || model.scheduler.thresholding;
  process.spec.clip_x0 = spec.clip_x0.value_or(clips);
  return process;
}

absl::Status MustBeUnset(absl::string_view field) {
  return FieldError(field, "must be unset, as the method has a rule of its own");
}

}  // namespace

absl::string_view NameOf(ProcessKind kind) {
  switch (kind) {
    case ProcessKind::kDdpm:
      return "DDPM";
    case ProcessKind::kDdim:
      return "DDIM";
    case ProcessKind::kDpmSolverPp2m:
      return "DPM_SOLVER_PP_2M";
  }
  return "";
}

absl::StatusOr<ResolvedProcess> ResolveProcess(const ReverseProcessSpec& spec,
                                               const DiffusionModel& model, int num_timesteps) {
  ASSIGN_OR_RETURN(ResolvedProcess process, ResolveDescent(spec, model, num_timesteps));
  RETURN_IF_ERROR(ResolveEta(&process.spec));
  RETURN_IF_ERROR(ResolveVariance(model, &process.spec));
  return process;
}

absl::StatusOr<ResolvedProcess> ResolveLevels(const ReverseProcessSpec& spec,
                                              const DiffusionModel& model) {
  if (spec.kind != ProcessKind::kDdpm) return MustBeUnset("kind");
  if (spec.eta.has_value()) return MustBeUnset("eta");
  if (spec.variance.has_value()) return MustBeUnset("variance");
  return ResolveDescent(spec, model, model.schedule.num_timesteps());
}

absl::Status CheckEstimable(const DiffusionModel& model, int t) {
  if (model.scheduler.prediction != Prediction::kEpsilon || model.schedule.alpha_bar(t) > 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the model predicts epsilon, which says nothing of the image at timestep ", t,
                   ", where its rescaled schedule leaves no signal"));
}

std::unique_ptr<StepRule> MakeStepRule(const ReverseProcessSpec& spec) {
  switch (spec.kind) {
    case ProcessKind::kDdpm:
      return std::make_unique<Ancestral>(*spec.variance);
    case ProcessKind::kDdim:
      return std::make_unique<Ddim>(*spec.eta);
    case ProcessKind::kDpmSolverPp2m:
      return std::make_unique<DpmSolverPp2m>();
  }
  return nullptr;
}

}  // namespace tweedie
