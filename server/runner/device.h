#ifndef TWEEDIE_SERVER_RUNNER_DEVICE_H_
#define TWEEDIE_SERVER_RUNNER_DEVICE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/diffusion/denoiser.h"
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
};

// FAILED_PRECONDITION, saying why, for a device that is not there, or for
// strict reproducibility on one where it cannot be promised.
absl::Status CheckDevice(const DeviceOptions& options);

// Tells LibTorch how many threads its kernels have, in the whole process.
void SetKernelThreads(const DeviceOptions& options);

// The threads that all networks share in strict mode; null in fast mode.
// num_threads >= 1.
std::shared_ptr<RowPool> MakeRowPool(const DeviceOptions& options);

// What its weights take in memory on the device, about. On the CPU they are float32, and
// in strict mode there twice if the network has a plan, which packs its own.
int64_t WeightBytes(const LoadedModel& model, const DeviceOptions& options);

// Puts a model's network on the device, which passed CheckDevice(); `rows` is what
// MakeRowPool() made. RESOURCE_EXHAUSTED if the device lacks memory, INTERNAL if it
// fails.
absl::StatusOr<std::unique_ptr<Denoiser>> MakeDenoiser(const LoadedModel& model,
                                                       const DeviceOptions& options,
                                                       std::shared_ptr<RowPool> rows);

// Gives memory that was freed back to the system and to the device.
void ReturnFreeMemory();

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_DEVICE_H_
