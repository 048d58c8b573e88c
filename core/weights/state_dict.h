#ifndef TWEEDIE_CORE_WEIGHTS_STATE_DICT_H_
#define TWEEDIE_CORE_WEIGHTS_STATE_DICT_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/status/status.h"

namespace tweedie {

namespace nn {
class UnetImpl;
}

// Gives `network` the tensors of a diffusers state dict as its parameters:
// float32, convolutions channels-last. Older spellings of attention are
// understood: query, key, value, proj_attn for to_q, to_k, to_v, to_out.0, and
// weights [C, C, 1] and [C, C, 1, 1] for [C, C].
//
// All or nothing: INVALID_ARGUMENT lists every tensor that is missing, not
// known, of another shape (with both) or not floating-point, up to ten of each
// kind; or names the first that is not finite. The network is then unchanged.
absl::Status LoadStateDict(std::map<std::string, at::Tensor> tensors, nn::UnetImpl& network);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_STATE_DICT_H_
