#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_OPENAI_UNET_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_OPENAI_UNET_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/nn/unet_config.h"
#include "core/weights/dialects/key_map.h"
#include "core/weights/dialects/state_dict.h"

namespace tweedie {

// The UNetModel of openai's guided-diffusion (Dhariwal and Nichol, 2021) and
// improved-diffusion (Nichol and Dhariwal, 2021): what a file's names and shapes
// tell of it.
struct OpenaiUnet {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t model_channels = 0;  // that the time is embedded in
  int64_t num_res_blocks = 0;  // of a level on the way down
  int64_t num_classes = 0;     // 0: not class-conditional
  // Levels, fine to coarse.
  std::vector<int64_t> channels;
  std::vector<bool> attention;
  bool scale_shift = false;
  bool resblock_updown = false;
};

// What a file does not tell of its attention.
struct OpenaiHeads {
  int64_t num_heads = 4;
  int64_t num_heads_up = 4;              // on the way up
  std::optional<int64_t> head_channels;  // overrides both
  bool new_order = false;                // use_new_attention_order

  int64_t Down(int64_t channels) const {
    return head_channels ? channels / *head_channels : num_heads;
  }
  int64_t Up(int64_t channels) const {
    return head_channels ? channels / *head_channels : num_heads_up;
  }
};

// INVALID_ARGUMENT if the tensors are no such network's. Thread-safe.
absl::StatusOr<OpenaiUnet> InferOpenaiUnet(const Tensors& tensors);

// The network, without its sample size and timestep scale. Thread-safe.
nn::UnetConfig OpenaiUnetConfig(const OpenaiUnet& unet, const OpenaiHeads& heads);

// Where its parameters come from. Thread-safe.
KeyMap OpenaiKeyMap(const OpenaiUnet& unet, const OpenaiHeads& heads);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_OPENAI_UNET_H_
