#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_DIFFUSERS_CONFIG_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_DIFFUSERS_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/diffusion/scheduler_config.h"
#include "core/nn/unet_config.h"

namespace tweedie {

// Reads diffusers' files, release 0.42 and older. Keys that are absent have the
// library's defaults. Errors are INVALID_ARGUMENT and name the key and the
// value. Thread-safe.

// The config.json of a UNet2DModel. Every key must be known or begin with `_`,
// and the result makes a network: lengths agree, groups divide channels, and so
// on. Score-SDE's skip blocks are refused.
absl::StatusOr<nn::UnetConfig> ParseUnetConfig(absl::string_view json);

// The scheduler_config.json of a DDPMScheduler, or of a DDIMScheduler,
// PNDMScheduler or DPMSolverMultistepScheduler for what it has in common with
// that one. Other keys are ignored. The variances `learned` and
// `fixed_large_log` (not a number in diffusers#14569) are refused.
absl::StatusOr<SchedulerConfig> ParseSchedulerConfig(absl::string_view json);

// The defaults that the two took of keys that change results but no shape, and
// that the file does not have: `attention_head_dim 8 (diffusers' default)`. Of
// text that is no JSON object, none.
std::vector<std::string> UnetDefaultsTaken(absl::string_view json);
std::vector<std::string> SchedulerDefaultsTaken(absl::string_view json);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_DIFFUSERS_CONFIG_H_
