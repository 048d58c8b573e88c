#ifndef TWEEDIE_SERVER_RUNNER_DEVICE_H_
#define TWEEDIE_SERVER_RUNNER_DEVICE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/device/step_device.h"
#include "core/diffusion/denoiser.h"
#include "core/diffusion/precision.h"
#include "core/diffusion/row_pool.h"
#include "core/weights/model.h"

namespace tweedie {

// How networks are evaluated: kStrict gives every row the bits that it has
// alone, whatever shares its call; kFast lets LibTorch batch (docs/adr).
enum class Reproducibility { kStrict, kFast };

struct DeviceOptions {
  std::string device = "cpu";  // or "cuda:N"
  Reproducibility reproducibility = Reproducibility::kStrict;
  int num_threads = 1;  // of the CPU
  Precision precision = Precision::kFloat32;
  int max_batch_rows = 16;  // of one call; the engine's
};

// What all models of a device share.
struct SharedDevice {
  std::shared_ptr<RowPool> rows;      // null but in strict mode
  std::shared_ptr<StepDevice> steps;  // null on the CPU
  // Rows that calls were filled up with.
  std::shared_ptr<std::atomic<int64_t>> padding_rows = std::make_shared<std::atomic<int64_t>>(0);
};

// FAILED_PRECONDITION, saying why, for a device that is not there, for strict
// reproducibility on one where it cannot be promised, or for a precision that it has
// not.
absl::Status CheckDevice(const DeviceOptions& options);

// Tells LibTorch how many threads its kernels have and whether they may take TF32, in the
// whole process.
void SetKernels(const DeviceOptions& options);

// For a device that passed CheckDevice(); num_threads >= 1. INTERNAL if it fails.
absl::StatusOr<SharedDevice> ShareDevice(const DeviceOptions& options);

// What its weights take in memory on the device, at most, about: of the size that the precision
// says. In strict mode, which the CPU alone has, a plan packs its own if the network has one, and
// in float32 those of its backward pass, larger than they were (Winograd's).
int64_t WeightBytes(const LoadedModel& model, const DeviceOptions& options);

// Puts a model's network on the device. RESOURCE_EXHAUSTED if it lacks memory, INTERNAL
// if it fails.
absl::StatusOr<std::unique_ptr<Denoiser>> MakeDenoiser(const LoadedModel& model,
                                                       const DeviceOptions& options,
                                                       const SharedDevice& shared);

// Gives memory that was freed back to the system and to the device.
void ReturnFreeMemory(const SharedDevice& shared);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_DEVICE_H_
