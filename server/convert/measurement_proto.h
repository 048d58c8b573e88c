#ifndef TWEEDIE_SERVER_CONVERT_MEASUREMENT_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_MEASUREMENT_PROTO_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/field_error.h"
#include "core/operators/measurement.h"
#include "server/convert/images_proto.h"
#include "tweedie/v1/operator.pb.h"

namespace tweedie {

// A measurement as asked for, but for its tensors (y, the images to simulate it
// from, the operator's), which are left undefined. INVALID_ARGUMENT with the
// path from the measurement (`source`, `forward_operator.kind`) for what is
// required and missing; ranges are Measure()'s to check. Thread-safe.
absl::StatusOr<MeasurementSpec> ReadMeasurement(const v1::Measurement& proto);

// The field `measurement` of a task, which is required; errors with the path
// from the task.
template <typename TaskProto>
absl::StatusOr<MeasurementSpec> ReadMeasurementOf(const TaskProto& task) {
  if (!task.has_measurement()) return FieldError("measurement", "is required");
  absl::StatusOr<MeasurementSpec> spec = ReadMeasurement(task.measurement());
  if (!spec.ok()) return InField("measurement", spec.status());
  return spec;
}

// How many measurements the message claims to hold, and in which field (its path
// from the measurement). ReadMeasurementTensors() checks that it does.
struct ClaimedMeasurements {
  const char* field = nullptr;
  int64_t count = 0;
};
ClaimedMeasurements CountMeasurements(const v1::Measurement& proto);

// Reads the tensors into `spec`, which ReadMeasurement() made of the same
// message. y may be UINT8 where it has the range of images. INVALID_ARGUMENT
// with the path from the measurement (`forward_operator.inpainting.mask.shape`,
// `y.data`, `simulate_from.tensor.shape`). Whether y has the operator's shape is
// Measure()'s to check.
absl::Status ReadMeasurementTensors(const v1::Measurement& proto, const ImageShape3& image_shape,
                                    int max_images, MeasurementSpec* spec,
                                    int64_t max_file_pixels = kMaxFilePixels);

// The inverse of ReadMeasurement(): which tensors there are stays told, their
// content is left out. Thread-safe.
v1::Measurement WriteMeasurement(const MeasurementSpec& spec);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_MEASUREMENT_PROTO_H_
