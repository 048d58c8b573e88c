#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_DIFFUSERS_CONFIG_WRITER_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_DIFFUSERS_CONFIG_WRITER_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/diffusion/scheduler_config.h"
#include "core/nn/unet_config.h"

namespace tweedie {

// The config.json of a UNet2DModel that is `config`, as ParseUnetConfig() reads it.
// FAILED_PRECONDITION says what UNet2DModel lacks. Thread-safe.
absl::StatusOr<std::string> WriteUnetConfig(const nn::UnetConfig& config);

// The scheduler_config.json of a DDPMScheduler, as ParseSchedulerConfig() reads it.
// Thread-safe.
std::string WriteSchedulerConfig(const SchedulerConfig& config);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_DIFFUSERS_CONFIG_WRITER_H_
