#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_STATE_DICT_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_STATE_DICT_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "core/weights/dialects/key_map.h"

namespace tweedie {

namespace nn {
class Network;
}

// The tensors of a file, by their names in it.
using Tensors = std::map<std::string, at::Tensor>;

// Gives `network` the tensors of a file as its parameters, as `map` says:
// float32, convolutions channels-last. INTERNAL if the map lacks a parameter.
//
// All or nothing: INVALID_ARGUMENT lists, by their names in the file, all tensors
// that are missing, not known, of another shape (with both) or not
// floating-point, up to ten of each kind; or names the first that is not finite.
// The network is then unchanged. Throws c10::Error for want of memory.
absl::Status LoadStateDict(Tensors tensors, const KeyMap& map, nn::Network& network);

// The same for a diffusers state dict, whose names are the network's own. Older
// spellings of attention are understood: query, key, value, proj_attn for to_q,
// to_k, to_v, to_out.0, and weights [C, C, 1] and [C, C, 1, 1] for [C, C].
absl::Status LoadStateDict(Tensors tensors, nn::Network& network);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_STATE_DICT_H_
