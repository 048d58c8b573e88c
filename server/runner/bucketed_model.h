#ifndef TWEEDIE_SERVER_RUNNER_BUCKETED_MODEL_H_
#define TWEEDIE_SERVER_RUNNER_BUCKETED_MODEL_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/device/step_device.h"
#include "core/diffusion/denoiser.h"
#include "core/diffusion/precision.h"
#include "core/weights/model.h"

namespace tweedie {

struct BucketOptions {
  Precision precision = Precision::kFloat32;
  int max_batch_rows = 16;  // of a call
  // As BucketedDenoiser::Options has it.
  std::shared_ptr<std::atomic<int64_t>> padding_rows;
};

// Puts a model's network on the device, and records its calls, those of most rows first.
// Sizes for which the device has no memory are left out, which the log tells: such calls
// are made in pieces. RESOURCE_EXHAUSTED if there is no room for one row, INTERNAL if the
// device fails.
absl::StatusOr<std::unique_ptr<Denoiser>> MakeBucketedDenoiser(const LoadedModel& model,
                                                               const BucketOptions& options,
                                                               std::shared_ptr<StepDevice> device);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_BUCKETED_MODEL_H_
