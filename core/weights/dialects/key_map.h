#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_KEY_MAP_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_KEY_MAP_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tweedie {

// How a file stores what becomes one parameter of a network.
enum class Form {
  // As it is.
  kSame,
  // A linear layer, [O, I], perhaps as a 1x1 convolution [O, I, 1] or [O, I, 1, 1].
  kPointwise,
  // Part `part` (0 = q, 1 = k, 2 = v) of one projection of 3C rows: q of all
  // heads, then k, then v.
  kQkvByPart,
  // The same, but the rows of one head, q, k, v, before those of the next
  // (guided-diffusion's QKVAttentionLegacy).
  kQkvByHead,
  // A 2x2 convolution of stride 2, [O, I, 2, 2], as a 1x1 convolution
  // [O, 4I, 1, 1] of 2x2 patches whose channels run (I, row, column).
  kPatches,
  // A convolution whose weights are standardised, each output channel alone,
  // before they are used (Qiao et al., 2019; eps 1e-5).
  kStandardized,
};

struct Source {
  std::string key;  // of the file
  Form form = Form::kSame;
  int part = 0;
  int64_t heads = 1;  // of kQkvByHead
};

// Name of a parameter of ours -> where it comes from. May have rows for
// parameters that a network turns out not to have.
using KeyMap = std::map<std::string, Source>;

// The parameter of shape `shape` that `tensor` of the file holds; nullopt if it
// is not of the shape that `source` then must have. Throws c10::Error only for
// want of memory. Shares storage with `tensor` where it can.
std::optional<at::Tensor> Adapt(const Source& source, const at::Tensor& tensor,
                                at::IntArrayRef shape);

// The shape that the file must have for a parameter of shape `shape`.
std::vector<int64_t> FileShape(const Source& source, at::IntArrayRef shape);

// Adds rows for the weight and the bias of one layer. Of kPointwise and the qkv
// forms, biases are vectors in the same order.
void AddLayer(absl::string_view ours, const Source& theirs, KeyMap* map);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_KEY_MAP_H_
