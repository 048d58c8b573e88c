#ifndef TWEEDIE_CORE_WEIGHTS_DIFFUSERS_FOLDER_H_
#define TWEEDIE_CORE_WEIGHTS_DIFFUSERS_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/scheduler_config.h"
#include "core/nn/unet_config.h"

namespace tweedie {

// A folder as diffusers writes it for a UNet2DModel, flat or with `unet/` and
// `scheduler/`.
struct DiffusersFolder {
  nn::UnetConfig unet;
  SchedulerConfig scheduler;
  std::string config_path;
  std::string scheduler_path;
  // The first that is there of `diffusion_pytorch_model.safetensors`, `.bin`,
  // `.safetensors.index.json`, `.bin.index.json` (shards), `.fp16.safetensors`; the
  // first of all if none is.
  std::string weights_path;
  // Keys that the files lack and no shape tells, with the defaults taken for them.
  std::vector<std::string> assumptions;
};

// Whether there is a `config.json`, or weights under one of those names.
// Thread-safe.
bool IsDiffusersFolder(const std::string& folder);

// Where its weights are: DiffusersFolder::weights_path. Thread-safe.
std::string DiffusersWeights(const std::string& folder);

// Reads `config.json` and `scheduler_config.json`. An error names the file, and the
// key; also where one does not agree with the other. Thread-safe.
absl::StatusOr<DiffusersFolder> ReadDiffusersFolder(const std::string& folder);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIFFUSERS_FOLDER_H_
