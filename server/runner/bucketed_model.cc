#include "server/runner/bucketed_model.h"

#include <ATen/ATen.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/device/bucketed_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/engine/call_failure.h"
#include "core/nn/network.h"

namespace tweedie {
namespace {

absl::StatusOr<std::unique_ptr<BucketedDenoiser>> PutOn(const LoadedModel& model,
                                                        const BucketOptions& given,
                                                        std::shared_ptr<StepDevice> device) {
  try {
    std::unique_ptr<Denoiser> network;
    device->Run([&] {
      network = std::make_unique<UnetDenoiser>(model.network, device->device(), given.precision);
    });
    BucketedDenoiser::Options options;
    options.image_shape = model.diffusion->image_shape;
    options.out_channels = model.network->out_channels();
    options.has_classes = model.diffusion->num_classes > 0;
    options.padding_rows = given.padding_rows;
    return std::make_unique<BucketedDenoiser>(std::move(network), std::move(device), options);
  } catch (const std::exception&) {
    return CaughtFailure(absl::StrCat("putting models/", model.name, " on its device"));
  }
}

absl::Status AddBucket(const LoadedModel& model, int64_t rows, BucketedDenoiser& denoiser) {
  try {
    denoiser.AddBucket(rows);
    return absl::OkStatus();
  } catch (const std::exception&) {
    return CaughtFailure(absl::StrCat("recording models/", model.name, " for ", rows, " rows"));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Denoiser>> MakeBucketedDenoiser(const LoadedModel& model,
                                                               const BucketOptions& options,
                                                               std::shared_ptr<StepDevice> device) {
  ASSIGN_OR_RETURN(std::unique_ptr<BucketedDenoiser> denoiser,
                   PutOn(model, options, std::move(device)));
  std::vector<int64_t> sizes = BucketSizes(options.max_batch_rows);
  for (; !sizes.empty(); sizes.pop_back()) {
    const absl::Status added = AddBucket(model, sizes.back(), *denoiser);
    const bool may_be_less = IsOutOfMemory(added) && sizes.back() > 1;
    if (!added.ok() && !may_be_less) return added;
    if (!added.ok()) spdlog::warn("{}", std::string(added.message()));
  }
  spdlog::info("model=models/{} precision={} calls are recorded for {} rows", model.name,
               std::string(PrecisionName(options.precision)),
               absl::StrJoin(denoiser->buckets(), ", "));
  return denoiser;
}

}  // namespace tweedie
