#include "server/convert/guided_tasks_proto.h"

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "server/convert/enum_error.h"
#include "server/convert/measurement_proto.h"
#include "server/convert/process_proto.h"

namespace tweedie {
namespace {

absl::StatusOr<AldPrior> ReadPrior(int prior) {
  switch (prior) {
    case v1::AldTask::PRIOR_UNSPECIFIED:
    case v1::AldTask::ANCESTRAL:
      return AldPrior::kAncestral;
    case v1::AldTask::LANGEVIN:
      return AldPrior::kLangevin;
    default:
      return UnknownValue("prior", "ANCESTRAL, LANGEVIN", prior);
  }
}

absl::StatusOr<DpsObjective> ReadObjective(int objective) {
  switch (objective) {
    case v1::DpsTask::OBJECTIVE_UNSPECIFIED:
    case v1::DpsTask::NORM:
      return DpsObjective::kNorm;
    case v1::DpsTask::SQUARED_NORM:
      return DpsObjective::kSquaredNorm;
    default:
      return UnknownValue("objective", "NORM, SQUARED_NORM", objective);
  }
}

// DDIM, asked for or not.
absl::StatusOr<ReverseProcessSpec> ReadDdim(const v1::ReverseProcess& proto) {
  ASSIGN_OR_RETURN(ReverseProcessSpec process, ReadProcess(proto));
  if (proto.kind() != v1::ReverseProcess::KIND_UNSPECIFIED &&
      proto.kind() != v1::ReverseProcess::DDIM) {
    return FieldError(
        "kind", absl::StrCat("must be DDIM; was ", v1::ReverseProcess::Kind_Name(proto.kind())));
  }
  process.kind = ProcessKind::kDdim;
  return process;
}

}  // namespace

absl::StatusOr<AldTask> FromProto(const v1::AldTask& proto) {
  AldTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.prior, ReadPrior(proto.prior()));
  const bool langevin = task.prior == AldPrior::kLangevin;
  ASSIGN_OR_RETURN(task.process, InProcess(langevin ? ReadLevels(proto.process())
                                                    : ReadProcess(proto.process())));
  task.steps_per_level = proto.steps_per_level();
  if (proto.has_step_size()) task.step_size = proto.step_size();
  if (proto.has_gamma_scale()) task.gamma_scale = proto.gamma_scale();
  if (proto.has_likelihood_scale()) task.likelihood_scale = proto.likelihood_scale();
  return task;
}

v1::AldTask ToProto(const AldTask& task) {
  v1::AldTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  proto.set_prior(task.prior == AldPrior::kLangevin ? v1::AldTask::LANGEVIN
                                                    : v1::AldTask::ANCESTRAL);
  *proto.mutable_process() =
      task.prior == AldPrior::kLangevin ? WriteLevels(task.process) : WriteProcess(task.process);
  proto.set_steps_per_level(task.steps_per_level);
  if (task.step_size.has_value()) proto.set_step_size(*task.step_size);
  if (task.gamma_scale.has_value()) proto.set_gamma_scale(*task.gamma_scale);
  if (task.likelihood_scale.has_value()) proto.set_likelihood_scale(*task.likelihood_scale);
  return proto;
}

absl::StatusOr<DpsTask> FromProto(const v1::DpsTask& proto) {
  DpsTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.process, InProcess(ReadProcess(proto.process())));
  if (proto.has_zeta()) task.zeta = proto.zeta();
  ASSIGN_OR_RETURN(task.objective, ReadObjective(proto.objective()));
  return task;
}

v1::DpsTask ToProto(const DpsTask& task) {
  v1::DpsTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  *proto.mutable_process() = WriteProcess(task.process);
  if (task.zeta.has_value()) proto.set_zeta(*task.zeta);
  proto.set_objective(task.objective == DpsObjective::kSquaredNorm ? v1::DpsTask::SQUARED_NORM
                                                                   : v1::DpsTask::NORM);
  return proto;
}

absl::StatusOr<PigdmTask> FromProto(const v1::PigdmTask& proto) {
  PigdmTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.process, InProcess(ReadDdim(proto.process())));
  return task;
}

v1::PigdmTask ToProto(const PigdmTask& task) {
  v1::PigdmTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  *proto.mutable_process() = WriteProcess(task.process);
  return proto;
}

absl::StatusOr<ReddiffTask> FromProto(const v1::ReddiffTask& proto) {
  ReddiffTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.process, InProcess(ReadLevels(proto.process())));
  if (proto.has_learning_rate()) task.learning_rate = proto.learning_rate();
  if (proto.has_prior_weight()) task.prior_weight = proto.prior_weight();
  if (proto.has_data_weight()) task.data_weight = proto.data_weight();
  return task;
}

v1::ReddiffTask ToProto(const ReddiffTask& task) {
  v1::ReddiffTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  *proto.mutable_process() = WriteLevels(task.process);
  if (task.learning_rate.has_value()) proto.set_learning_rate(*task.learning_rate);
  if (task.prior_weight.has_value()) proto.set_prior_weight(*task.prior_weight);
  if (task.data_weight.has_value()) proto.set_data_weight(*task.data_weight);
  return proto;
}

}  // namespace tweedie
