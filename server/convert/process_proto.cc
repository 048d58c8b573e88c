#include "server/convert/process_proto.h"

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "server/convert/enum_error.h"

namespace tweedie {
namespace {

using Proto = v1::ReverseProcess;

absl::StatusOr<ProcessKind> ReadKind(int kind) {
  switch (kind) {
    case Proto::KIND_UNSPECIFIED:
    case Proto::DDPM:
      return ProcessKind::kDdpm;
    case Proto::DDIM:
      return ProcessKind::kDdim;
    case Proto::DPM_SOLVER_PP_2M:
      return ProcessKind::kDpmSolverPp2m;
    default:
      return UnknownValue("kind", "DDPM, DDIM, DPM_SOLVER_PP_2M", kind);
  }
}

absl::StatusOr<std::optional<Variance>> ReadVariance(int variance) {
  switch (variance) {
    case Proto::VARIANCE_UNSPECIFIED:
      return std::nullopt;
    case Proto::FIXED_SMALL:
      return Variance::kFixedSmall;
    case Proto::FIXED_LARGE:
      return Variance::kFixedLarge;
    case Proto::LEARNED_RANGE:
      return Variance::kLearnedRange;
    default:
      return UnknownValue("variance", "FIXED_SMALL, FIXED_LARGE, LEARNED_RANGE", variance);
  }
}

absl::StatusOr<std::optional<Spacing>> ReadSpacing(int spacing) {
  switch (spacing) {
    case Proto::SPACING_UNSPECIFIED:
      return std::nullopt;
    case Proto::LEADING:
      return Spacing::kLeading;
    case Proto::TRAILING:
      return Spacing::kTrailing;
    case Proto::LINSPACE:
      return Spacing::kLinspace;
    default:
      return UnknownValue("spacing", "LEADING, TRAILING, LINSPACE", spacing);
  }
}

Proto::Kind WriteKind(ProcessKind kind) {
  switch (kind) {
    case ProcessKind::kDdpm:
      return Proto::DDPM;
    case ProcessKind::kDdim:
      return Proto::DDIM;
    case ProcessKind::kDpmSolverPp2m:
      return Proto::DPM_SOLVER_PP_2M;
  }
  return Proto::KIND_UNSPECIFIED;
}

Proto::Variance WriteVariance(Variance variance) {
  switch (variance) {
    case Variance::kFixedSmall:
      return Proto::FIXED_SMALL;
    case Variance::kFixedLarge:
      return Proto::FIXED_LARGE;
    case Variance::kLearnedRange:
      return Proto::LEARNED_RANGE;
  }
  return Proto::VARIANCE_UNSPECIFIED;
}

Proto::Spacing WriteSpacing(Spacing spacing) {
  switch (spacing) {
    case Spacing::kLeading:
      return Proto::LEADING;
    case Spacing::kTrailing:
      return Proto::TRAILING;
    case Spacing::kLinspace:
      return Proto::LINSPACE;
  }
  return Proto::SPACING_UNSPECIFIED;
}

// For a field of a process whose rule is the task's own.
absl::Status MustBeUnset(absl::string_view field, absl::string_view value) {
  return FieldError(field,
                    absl::StrCat("must be unset, as the task has a rule of its own; was ", value));
}

}  // namespace

absl::StatusOr<ReverseProcessSpec> ReadProcess(const v1::ReverseProcess& process) {
  ReverseProcessSpec spec;
  ASSIGN_OR_RETURN(spec.kind, ReadKind(process.kind()));
  ASSIGN_OR_RETURN(spec.variance, ReadVariance(process.variance()));
  ASSIGN_OR_RETURN(spec.spacing, ReadSpacing(process.spacing()));
  spec.num_steps = process.num_steps();
  if (process.has_eta()) spec.eta = process.eta();
  if (process.has_clip_x0()) spec.clip_x0 = process.clip_x0();
  return spec;
}

v1::ReverseProcess WriteProcess(const ReverseProcessSpec& spec) {
  v1::ReverseProcess process;
  process.set_kind(WriteKind(spec.kind));
  process.set_num_steps(spec.num_steps);
  if (spec.eta.has_value()) process.set_eta(*spec.eta);
  if (spec.variance.has_value()) process.set_variance(WriteVariance(*spec.variance));
  if (spec.spacing.has_value()) process.set_spacing(WriteSpacing(*spec.spacing));
  if (spec.clip_x0.has_value()) process.set_clip_x0(*spec.clip_x0);
  return process;
}

absl::StatusOr<ReverseProcessSpec> ReadLevels(const v1::ReverseProcess& process) {
  if (process.kind() != Proto::KIND_UNSPECIFIED) {
    return MustBeUnset("kind", Proto::Kind_Name(process.kind()));
  }
  if (process.has_eta()) return MustBeUnset("eta", absl::StrCat(process.eta()));
  if (process.variance() != Proto::VARIANCE_UNSPECIFIED) {
    return MustBeUnset("variance", Proto::Variance_Name(process.variance()));
  }
  return ReadProcess(process);
}

v1::ReverseProcess WriteLevels(const ReverseProcessSpec& spec) {
  v1::ReverseProcess process = WriteProcess(spec);
  process.clear_kind();
  process.clear_eta();
  process.clear_variance();
  return process;
}

absl::StatusOr<ReverseProcessSpec> InProcess(absl::StatusOr<ReverseProcessSpec> spec) {
  if (spec.ok()) return spec;
  return InField("process", spec.status());
}

}  // namespace tweedie
