#ifndef TWEEDIE_SERVER_CONVERT_JOB_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_JOB_PROTO_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/jobs/job.h"
#include "tweedie/v1/job.pb.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie {

// As of the last checkpoint, or the end. Thread-safe.
v1::Progress ToProto(const JobProgress& progress);

// The job as the API reports it. Output-only fields come from the record's
// columns, `metrics` from its outcome; `progress.queue_position` is left to the
// caller. Thread-safe.
v1::Job ToProto(const JobRecord& record);

// `JobRecord.outcome` of these metrics and weights, as ToProto() reads it.
std::string WriteOutcome(const std::vector<v1::ImageMetrics>& metrics,
                         absl::string_view weights_sha256);

// How many images a result (as WriteResult() made it) holds, and image `index`
// of it in `format`: one image by definition, so tensors are [C, H, W].
// OUT_OF_RANGE beyond the last; INVALID_ARGUMENT (`format`) for a format that is
// unknown or cannot hold the image; DATA_LOSS if malformed. Owns the bytes and
// copies one image at a time. Thread-safe.
class ResultReader {
 public:
  static absl::StatusOr<ResultReader> Open(std::string bytes);
  int num_images() const { return num_images_; }
  const std::array<int64_t, 3>& image_shape() const { return image_shape_; }
  absl::StatusOr<v1::Images> Image(int index, v1::ImageFormat format) const;

 private:
  std::string bytes_;
  size_t offset_ = 0;  // of the first image in `bytes_`
  int num_images_ = 0;
  std::array<int64_t, 3> image_shape_ = {};
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_JOB_PROTO_H_
