#ifndef TWEEDIE_SERVER_CONVERT_PREPARE_JOB_H_
#define TWEEDIE_SERVER_CONVERT_PREPARE_JOB_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/jobs/job_store.h"
#include "core/weights/model_repository.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// What the server allows in one job; reported by GetServerInfo where it can be.
struct RequestLimits {
  int max_images_per_job = 1024;
  int64_t max_cost_bytes = int64_t{2} << 30;    // memory of one job while it runs
  int64_t max_image_pixels = int64_t{1} << 22;  // of one file
  int max_steps_per_job = 1000000;              // evaluations for each image
  int max_labels_per_job = 64;
};

// A request that has passed every check.
struct PreparedJob {
  v1::Job job;     // as it will be reported: choices filled in, no tensors
  NewJob new_job;  // without `record.input`
  // The task's tensors (and `reference`), a safetensors file; empty if none.
  std::string input;
};

// Checks `request` against the proto's every rule and fills in what it leaves
// to the server: a random seed, the job's id, the process's steps, variance,
// spacing and clipping. INVALID_ARGUMENT with the field's path from the request
// (`job.denoise.images`, FieldOf()); NOT_FOUND for an unknown model;
// FAILED_PRECONDITION for one that could not be loaded. `traceparent`, empty or
// well-formed, is the job's from then on. Thread-safe. Takes CPU time (image
// decoding, building of operators).
absl::StatusOr<PreparedJob> PrepareJob(const v1::CreateJobRequest& request,
                                       absl::string_view creator, const ModelRepository& models,
                                       const RequestLimits& limits,
                                       absl::string_view traceparent = "");

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_PREPARE_JOB_H_
