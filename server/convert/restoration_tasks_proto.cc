#include "server/convert/restoration_tasks_proto.h"

#include "core/base/status_macros.h"
#include "server/convert/measurement_proto.h"
#include "server/convert/process_proto.h"

namespace tweedie {

absl::StatusOr<DdnmTask> FromProto(const v1::DdnmTask& proto) {
  DdnmTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.process, InProcess(ReadLevels(proto.process())));
  if (proto.has_eta()) task.eta = proto.eta();
  task.travel_length = proto.travel_length();
  task.travel_repeats = proto.travel_repeats();
  return task;
}

v1::DdnmTask ToProto(const DdnmTask& task) {
  v1::DdnmTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  *proto.mutable_process() = WriteLevels(task.process);
  if (task.eta.has_value()) proto.set_eta(*task.eta);
  proto.set_travel_length(task.travel_length);
  proto.set_travel_repeats(task.travel_repeats);
  return proto;
}

absl::StatusOr<DdrmTask> FromProto(const v1::DdrmTask& proto) {
  DdrmTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.process, InProcess(ReadLevels(proto.process())));
  if (proto.has_eta()) task.eta = proto.eta();
  if (proto.has_eta_b()) task.eta_b = proto.eta_b();
  return task;
}

v1::DdrmTask ToProto(const DdrmTask& task) {
  v1::DdrmTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  *proto.mutable_process() = WriteLevels(task.process);
  if (task.eta.has_value()) proto.set_eta(*task.eta);
  if (task.eta_b.has_value()) proto.set_eta_b(*task.eta_b);
  return proto;
}

absl::StatusOr<DiffpirTask> FromProto(const v1::DiffpirTask& proto) {
  DiffpirTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.process, InProcess(ReadLevels(proto.process())));
  if (proto.has_lambda()) task.lambda = proto.lambda();
  if (proto.has_zeta()) task.zeta = proto.zeta();
  return task;
}

v1::DiffpirTask ToProto(const DiffpirTask& task) {
  v1::DiffpirTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  *proto.mutable_process() = WriteLevels(task.process);
  if (task.lambda.has_value()) proto.set_lambda(*task.lambda);
  if (task.zeta.has_value()) proto.set_zeta(*task.zeta);
  return proto;
}

absl::StatusOr<RepaintTask> FromProto(const v1::RepaintTask& proto) {
  RepaintTask task;
  ASSIGN_OR_RETURN(task.measurement, ReadMeasurementOf(proto));
  ASSIGN_OR_RETURN(task.process, InProcess(ReadProcess(proto.process())));
  task.jump_length = proto.jump_length();
  task.num_resamples = proto.num_resamples();
  return task;
}

v1::RepaintTask ToProto(const RepaintTask& task) {
  v1::RepaintTask proto;
  *proto.mutable_measurement() = WriteMeasurement(task.measurement);
  *proto.mutable_process() = WriteProcess(task.process);
  proto.set_jump_length(task.jump_length);
  proto.set_num_resamples(task.num_resamples);
  return proto;
}

}  // namespace tweedie
