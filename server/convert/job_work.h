#ifndef TWEEDIE_SERVER_CONVERT_JOB_WORK_H_
#define TWEEDIE_SERVER_CONVERT_JOB_WORK_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/diffusion/diffusion_model.h"
#include "core/methods/task.h"
#include "server/convert/prepare_job.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// What a requested job is to do.
struct JobWork {
  TaskSpec task;         // resolved
  at::Tensor reference;  // as sent, [M, C, H, W]; undefined if there is none
  int64_t cost_bytes = 0;
};

// Checks and resolves the work of `job` for `model`; chooses the seed if it has
// none. INVALID_ARGUMENT with the path from the request (`job.denoise.images`).
// Thread-safe.
//
// `reference` and `class_labels` are "one, or as many as the job's images":
// those that it makes, or its input images, each of which then stands for all
// `samples_per_image` results of its input.
absl::StatusOr<JobWork> ReadJobWork(const v1::Job& job, const DiffusionModel& model,
                                    const RequestLimits& limits);

// One row of `reference` for each of `num_images` results, if it has one an
// input image; as it is if it has one for all, or one a result already.
at::Tensor ExpandReference(const at::Tensor& reference, int64_t num_images);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_JOB_WORK_H_
