#ifndef TWEEDIE_CORE_WEIGHTS_DIFFUSERS_WRITER_H_
#define TWEEDIE_CORE_WEIGHTS_DIFFUSERS_WRITER_H_

#include <string>

#include "absl/status/status.h"
#include "core/weights/model.h"

namespace tweedie {

// Writes `model` as a diffusers folder, which must not be there yet: config.json,
// scheduler_config.json and diffusion_pytorch_model.safetensors, float32. Loaded again
// it is the same network, bit for bit. FAILED_PRECONDITION if UNet2DModel cannot be
// that network, ALREADY_EXISTS if `folder` is there, RESOURCE_EXHAUSTED if the disk is
// full. Takes twice the weights' memory.
absl::Status WriteDiffusersFolder(const LoadedModel& model, const std::string& folder);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIFFUSERS_WRITER_H_
