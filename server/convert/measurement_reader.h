#ifndef TWEEDIE_SERVER_CONVERT_MEASUREMENT_READER_H_
#define TWEEDIE_SERVER_CONVERT_MEASUREMENT_READER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/diffusion/diffusion_model.h"
#include "core/jobs/job.h"
#include "core/operators/measurement.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"
#include "core/weights/safetensors.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// A job's measurement, as it was given or simulated, part by part. Simulated
// again from the stored input, to the same bits. Immutable, hence thread-safe.
class MeasurementReader {
 public:
  // `input` is the content of `record.input`, `model` the job's.
  // FAILED_PRECONDITION if the job's task has no measurement; DATA_LOSS if what
  // is stored is damaged. Takes CPU time: the operator is built.
  static absl::StatusOr<MeasurementReader> Open(const JobRecord& record, const TensorFile& input,
                                                const DiffusionModel& model);
  int size() const;
  // Part `index`, below size(), and its picture. INTERNAL if LibTorch refuses.
  // Takes CPU time where the picture is a reconstruction.
  absl::StatusOr<v1::ReadJobMeasurementResponse> Part(int index) const;

 private:
  MeasurementReader(std::shared_ptr<const Measurement> measurement, OperatorSpec forward_operator,
                    const ImageShape3& image_shape, at::Tensor reference);
  // 8-bit PNG of part `index`'s reference; empty if there is none.
  std::string Truth(int index) const;
  // 8-bit PNG; empty if there is no picture.
  absl::StatusOr<std::string> Preview(const at::Tensor& y) const;

  std::shared_ptr<const Measurement> measurement_;
  OperatorSpec forward_operator_;
  ImageShape3 image_shape_;
  at::Tensor reference_;  // one for each result; undefined if there is none
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_MEASUREMENT_READER_H_
