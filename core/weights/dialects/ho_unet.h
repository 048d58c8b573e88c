#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_HO_UNET_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_HO_UNET_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/nn/unet_config.h"
#include "core/weights/dialects/key_map.h"
#include "core/weights/dialects/state_dict.h"

namespace tweedie {

// The `Model` of pesser/pytorch_diffusion, a port of Ho et al. (2020): what a
// file's names and shapes tell of it. The rest is fixed: one head, sines before
// cosines, 32 groups, eps 1e-6, downsampling padded right and below.
struct HoUnet {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t model_channels = 0;
  int64_t num_res_blocks = 0;  // of a level on the way down
  // Levels, fine to coarse.
  std::vector<int64_t> channels;
  std::vector<bool> attention;
};

// INVALID_ARGUMENT if the tensors are no such network's. Thread-safe.
absl::StatusOr<HoUnet> InferHoUnet(const Tensors& tensors);
// The network, without its sample size. Thread-safe.
nn::UnetConfig HoUnetConfig(const HoUnet& unet);
// Where its parameters come from. Thread-safe.
KeyMap HoKeyMap(const HoUnet& unet);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_HO_UNET_H_
