#include "server/convert/measurement_reader.h"

#include <ATen/ATen.h>

#include <exception>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/methods/make_method.h"
#include "core/operators/make_operator.h"
#include "core/operators/solve.h"
#include "core/operators/tomography.h"
#include "server/convert/images_proto.h"
#include "server/convert/operator_proto.h"
#include "server/convert/stored_job.h"
#include "server/convert/task_inputs.h"
#include "server/convert/tensor_proto.h"

namespace tweedie {
namespace {

absl::Status CheckHasMeasurement(const JobRecord& record) {
  v1::Job job;
  if (!job.ParseFromString(record.spec)) {
    return absl::DataLossError(absl::StrCat("the spec of jobs/", record.id, " is damaged"));
  }
  if (MeasurementOf(job) != nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("jobs/", record.id, " has no measurement: its task takes none"));
}

// `images` [1, C, H, W] as a PNG.
std::string Png(const at::Tensor& images) {
  if (!HasPng(images.size(1))) return "";
  return WriteImages(images, v1::IMAGE_FORMAT_PNG).encoded().files(0);
}

}  // namespace

MeasurementReader::MeasurementReader(std::shared_ptr<const Measurement> measurement,
                                     OperatorSpec forward_operator, const ImageShape3& image_shape,
                                     at::Tensor reference)
    : measurement_(std::move(measurement)),
      forward_operator_(std::move(forward_operator)),
      image_shape_(image_shape),
      reference_(std::move(reference)) {}

absl::StatusOr<MeasurementReader> MeasurementReader::Open(const JobRecord& record,
                                                          const TensorFile& input,
                                                          const DiffusionModel& model) {
  RETURN_IF_ERROR(CheckHasMeasurement(record));
  ASSIGN_OR_RETURN(const StoredJob job, ReadStoredJob(record, input));
  auto measurement = MakeMeasurement(job.task, model);
  if (!measurement.ok()) return absl::DataLossError(measurement.status().message());
  return MeasurementReader(*std::move(measurement), MeasurementOf(job.task)->forward_operator,
                           model.image_shape, job.reference);
}

int MeasurementReader::size() const { return static_cast<int>(measurement_->y.size(0)); }

absl::StatusOr<std::string> MeasurementReader::Preview(const at::Tensor& y) const {
  if (MeasuresImages(forward_operator_)) return Png(y);
  if (const auto* spec = std::get_if<TomographySpec>(&forward_operator_)) {
    ASSIGN_OR_RETURN(const at::Tensor image, FilteredBackProjection(*spec, image_shape_, y));
    return Png(image);
  }
  const LinearOperator* linear = measurement_->A->linear();
  return linear == nullptr ? "" : Png(PseudoInverse(*linear, y));
}

std::string MeasurementReader::Truth(int index) const {
  if (!reference_.defined()) return "";
  const int64_t rows = reference_.size(0);  // 1, or one for each result
  return Png(reference_.narrow(0, rows == 1 ? 0 : index * (rows / size()), 1));
}

absl::StatusOr<v1::ReadJobMeasurementResponse> MeasurementReader::Part(int index) const {
  v1::ReadJobMeasurementResponse part;
  part.set_index(index);
  try {
    const at::Tensor y = measurement_->y.narrow(0, index, 1);
    *part.mutable_y() = WriteTensor(y.squeeze(0), v1::Tensor::FLOAT32);
    ASSIGN_OR_RETURN(*part.mutable_preview_png(), Preview(y));
    part.set_truth_png(Truth(index));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("measurement ", index, ": ", error.what()));
  }
  return part;
}

}  // namespace tweedie
