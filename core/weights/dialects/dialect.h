#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_DIALECT_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_DIALECT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/scheduler_config.h"
#include "core/weights/dialects/key_map.h"
#include "core/weights/dialects/settings.h"
#include "core/weights/dialects/state_dict.h"

namespace tweedie {

// Files of weights of projects other than diffusers. A dialect is one way to
// name tensors, to arrange them, and to call what they do not tell. Everything
// here is thread-safe.

// Dialects whose names of tensors are the same. guided-diffusion and
// improved-diffusion are one: configurations tell them apart.
enum class Family { kDiffusers, kOpenai, kHo, kLucidrains };

// By the names of the tensors. INVALID_ARGUMENT if they are no known network's.
absl::StatusOr<Family> DetectFamily(const Tensors& tensors);

// How to make a model of a file: all that can be known before its tensors are
// read for their values.
struct ModelPlan {
  // "guided-diffusion", "improved-diffusion", "pesser" or
  // "denoising-diffusion-pytorch".
  std::string dialect;
  // With placeholders for parameters. Never null.
  std::shared_ptr<nn::Network> network;
  KeyMap map;
  // Tensors of the file that are not the network's.
  std::vector<std::string> ignored;
  std::array<int64_t, 3> image_shape = {0, 0, 0};  // channels, height, width
  SchedulerConfig scheduler;
  bool learned_variance = false;
  int num_classes = 0;
  // What neither file said: each a default that was taken, and whose.
  std::vector<std::string> assumptions;
};

// Tells from the shapes what they can tell, compares it with the settings, and
// takes from these and from the dialect's defaults the rest. INVALID_ARGUMENT
// names the setting or the tensor; also if a setting without a safe default is
// not given. Throws c10::Error only for want of memory.
absl::StatusOr<ModelPlan> PlanModel(const Tensors& tensors, ModelSettings settings);

// Gives the plan's network the tensors, all or nothing, as LoadStateDict does.
absl::Status LoadPlanned(Tensors tensors, const ModelPlan& plan);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_DIALECT_H_
