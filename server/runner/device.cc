#include "server/runner/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/Device.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#ifdef TWEEDIE_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif

#include <exception>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/engine/call_failure.h"
#include "core/nn/unet.h"
#include "core/plan/planned_denoiser.h"

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

absl::Status CheckCuda(const c10::Device& device, Reproducibility reproducibility) {
#ifndef TWEEDIE_CUDA
  return absl::FailedPreconditionError(
      absl::StrCat("device ", device.str(), ": this build has no CUDA (preset cuda has)"));
#else
  const int devices = static_cast<int>(at::getNumGPUs());
  if (device.index() >= devices) {
    return absl::FailedPreconditionError(
        absl::StrCat("device ", device.str(), " is not there; ", devices, " CUDA devices are"));
  }
#endif
  if (reproducibility == Reproducibility::kStrict) {
    return absl::FailedPreconditionError(
        "strict reproducibility has not been shown on CUDA devices; use --reproducibility fast");
  }
  return absl::OkStatus();
}

bool HasPlan(const LoadedModel& model) {
  const auto* unet = dynamic_cast<const nn::UnetImpl*>(model.network.get());
  const auto [channels, height, width] = model.diffusion->image_shape;
  return unet != nullptr && plan::UnetPlan::Check(unet->config(), {height, width}).ok();
}

// By a plan, where the network has one; by its modules otherwise.
absl::StatusOr<std::unique_ptr<Denoiser>> MakeStrictDenoiser(const LoadedModel& model,
                                                             std::shared_ptr<RowPool> rows) {
  auto unet = std::dynamic_pointer_cast<nn::UnetImpl>(model.network);
  if (unet == nullptr) return std::make_unique<RowParallelDenoiser>(model.network, std::move(rows));
  const auto [channels, height, width] = model.diffusion->image_shape;
  absl::StatusOr<std::unique_ptr<PlannedDenoiser>> planned =
      PlannedDenoiser::Make(std::move(unet), rows, {height, width});
  if (!absl::IsUnimplemented(planned.status())) return planned;
  spdlog::info("models/{} is slower than it could be: {}", model.name,
               std::string(planned.status().message()));
  return std::make_unique<RowParallelDenoiser>(model.network, std::move(rows));
}

}  // namespace

absl::Status CheckDevice(const DeviceOptions& options) {
  const absl::StatusOr<c10::Device> device = ParseDevice(options.device);
  if (!device.ok()) return device.status();
  if (device->is_cpu()) return absl::OkStatus();
  if (device->is_cuda()) return CheckCuda(*device, options.reproducibility);
  return absl::InvalidArgumentError(
      absl::StrCat("device must be cpu or cuda:N; was '", options.device, "'"));
}

void SetKernelThreads(const DeviceOptions& options) {
  // Strict rows run on single-threaded kernels, in the row pool's threads.
  at::set_num_threads(options.reproducibility == Reproducibility::kStrict ? 1
                                                                          : options.num_threads);
}

std::shared_ptr<RowPool> MakeRowPool(const DeviceOptions& options) {
  if (options.reproducibility != Reproducibility::kStrict) return nullptr;
  return std::make_shared<RowPool>(options.num_threads);
}

int64_t WeightBytes(const LoadedModel& model, const DeviceOptions& options) {
  const bool strict = options.reproducibility == Reproducibility::kStrict;
  const int64_t copies = strict && HasPlan(model) ? 2 : 1;
  return copies * model.num_parameters * static_cast<int64_t>(sizeof(float));
}

absl::StatusOr<std::unique_ptr<Denoiser>> MakeDenoiser(const LoadedModel& model,
                                                       const DeviceOptions& options,
                                                       std::shared_ptr<RowPool> rows) {
  try {
    if (rows != nullptr) {
      return MakeStrictDenoiser(model, std::move(rows));
    }
    return std::make_unique<UnetDenoiser>(model.network, *ParseDevice(options.device));
  } catch (const std::exception&) {
    return CaughtFailure(absl::StrCat("putting models/", model.name, " on ", options.device));
  }
}

void ReturnFreeMemory() {
#ifdef TWEEDIE_CUDA
  c10::cuda::CUDACachingAllocator::emptyCache();
#endif
  malloc_trim(0);
}

}  // namespace tweedie
