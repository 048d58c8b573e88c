#include "server/runner/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/Device.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#ifdef TWEEDIE_CUDA
#include <c10/cuda/CUDAException.h>
#include <cuda_runtime_api.h>

#include "core/device/cuda_step_device.h"
#endif

#include <exception>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/engine/call_failure.h"
#include "core/nn/unet.h"
#include "core/plan/ops/bfloat16_cpu.h"
#include "core/plan/planned_denoiser.h"
#include "server/runner/bucketed_model.h"

namespace tweedie {
namespace {

absl::StatusOr<c10::Device> ParseDevice(const std::string& name) {
  try {
    c10::Device device(name);
    if (device.is_cuda() && !device.has_index()) device.set_index(0);
    return device;
  } catch (const std::exception&) {
    return absl::InvalidArgumentError(
        absl::StrCat("device must be cpu or cuda:N; was '", name, "'"));
  }
}

absl::Status CheckCpu(const DeviceOptions& options) {
  if (options.precision == Precision::kFloat32) return absl::OkStatus();
  if (options.precision == Precision::kBfloat16) return plan::CheckBfloat16Cpu();
  return absl::FailedPreconditionError(
      absl::StrCat("precision ", PrecisionName(options.precision),
                   " is for CUDA devices; the CPU evaluates networks in float32 or bfloat16"));
}

#ifdef TWEEDIE_CUDA
// A device without them would take float32 instead, unasked.
absl::Status CheckCudaPrecision(const c10::Device& device, Precision precision) {
  if (precision != Precision::kTf32 && precision != Precision::kBfloat16) return absl::OkStatus();
  try {
    int major = 0;
    C10_CUDA_CHECK(
        cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index()));
    if (major >= 8) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("precision ", PrecisionName(precision),
                                                      " needs compute capability 8.0; device ",
                                                      device.str(), " has ", major));
  } catch (const std::exception&) {
    return CaughtFailure(absl::StrCat("asking device ", device.str()));
  }
}
#endif

absl::Status CheckCuda(const c10::Device& device, [[maybe_unused]] const DeviceOptions& options) {
#ifndef TWEEDIE_CUDA
  return absl::FailedPreconditionError(
      absl::StrCat("device ", device.str(), ": this build has no CUDA (preset cuda has)"));
#else
  const int devices = static_cast<int>(at::getNumGPUs());
  if (device.index() >= devices) {
    return absl::FailedPreconditionError(
        absl::StrCat("device ", device.str(), " is not there; ", devices, " CUDA devices are"));
  }
  if (options.reproducibility == Reproducibility::kStrict) {
    return absl::FailedPreconditionError(
        "strict reproducibility has not been shown on CUDA devices; use --reproducibility fast");
  }
  return CheckCudaPrecision(device, options.precision);
#endif
}

bool HasPlan(const LoadedModel& model) {
  const auto* unet = dynamic_cast<const nn::UnetImpl*>(model.network.get());
  const auto [channels, height, width] = model.diffusion->image_shape;
  return unet != nullptr && plan::UnetPlan::Check(unet->config(), {height, width}).ok();
}

// By a plan, where the network has one; by its modules otherwise.
absl::StatusOr<std::unique_ptr<Denoiser>> MakeStrictDenoiser(const LoadedModel& model,
                                                             Precision precision,
                                                             std::shared_ptr<RowPool> rows) {
  const auto by_modules = [&] {
    return std::make_unique<RowParallelDenoiser>(model.network, rows, precision);
  };
  auto unet = std::dynamic_pointer_cast<nn::UnetImpl>(model.network);
  if (unet == nullptr) return by_modules();
  const auto [channels, height, width] = model.diffusion->image_shape;
  absl::StatusOr<std::unique_ptr<PlannedDenoiser>> planned =
      PlannedDenoiser::Make(std::move(unet), rows, {height, width}, {.precision = precision});
  if (!absl::IsUnimplemented(planned.status())) return planned;
  spdlog::info("models/{} is slower than it could be: {}", model.name,
               std::string(planned.status().message()));
  return by_modules();
}

}  // namespace

absl::Status CheckDevice(const DeviceOptions& options) {
  const absl::StatusOr<c10::Device> device = ParseDevice(options.device);
  if (!device.ok()) return device.status();
  if (device->is_cpu()) return CheckCpu(options);
  if (device->is_cuda()) return CheckCuda(*device, options);
  return absl::InvalidArgumentError(
      absl::StrCat("device must be cpu or cuda:N; was '", options.device, "'"));
}

void SetKernels(const DeviceOptions& options) {
  // Strict rows run on single-threaded kernels, in the row pool's threads.
  at::set_num_threads(options.reproducibility == Reproducibility::kStrict ? 1
                                                                          : options.num_threads);
  // cuDNN takes TF32 unless told otherwise.
  const bool tf32 = options.precision == Precision::kTf32;
  at::globalContext().setAllowTF32CuBLAS(tf32);
  at::globalContext().setAllowTF32CuDNN(tf32);
}

absl::StatusOr<SharedDevice> ShareDevice(const DeviceOptions& options) {
  SharedDevice shared;
  if (options.reproducibility == Reproducibility::kStrict) {
    shared.rows = std::make_shared<RowPool>(options.num_threads);
  }
#ifdef TWEEDIE_CUDA
  ASSIGN_OR_RETURN(const c10::Device device, ParseDevice(options.device));
  try {
    if (device.is_cuda()) shared.steps = MakeCudaStepDevice(device);
  } catch (const std::exception&) {
    return CaughtFailure(absl::StrCat("beginning to use device ", options.device));
  }
#endif
  return shared;
}

int64_t WeightBytes(const LoadedModel& model, const DeviceOptions& options) {
  const int64_t plain = model.num_parameters * BytesPerWeight(options.precision);
  if (options.reproducibility != Reproducibility::kStrict || !HasPlan(model)) return plain;
  if (options.precision != Precision::kFloat32) return 2 * plain;
  // Packed, nine weights may become 36; once for each pass.
  return plain + 2 * (plain * 4);
}

absl::StatusOr<std::unique_ptr<Denoiser>> MakeDenoiser(const LoadedModel& model,
                                                       const DeviceOptions& options,
                                                       const SharedDevice& shared) {
  try {
    if (shared.rows != nullptr) return MakeStrictDenoiser(model, options.precision, shared.rows);
    if (shared.steps != nullptr) {
      return MakeBucketedDenoiser(
          model, {options.precision, options.max_batch_rows, shared.padding_rows}, shared.steps);
    }
    return std::make_unique<UnetDenoiser>(model.network, at::kCPU, options.precision);
  } catch (const std::exception&) {
    return CaughtFailure(absl::StrCat("putting models/", model.name, " on ", options.device));
  }
}

void ReturnFreeMemory(const SharedDevice& shared) {
  if (shared.steps != nullptr) shared.steps->ReturnFreeMemory();
  malloc_trim(0);
}

}  // namespace tweedie
