#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_STATE_DICT_CHOICE_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_STATE_DICT_CHOICE_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/weights/containers/pickled_object.h"

namespace tweedie {

// The state dict of a pickle, and what was beside it: as in Checkpoint.
struct StateDictChoice {
  std::string wrapper;
  std::map<std::string, size_t> tensors;  // index into PickledObject::tensors
  std::map<std::string, std::string> values;
  std::vector<std::string> ignored;
};

// Finds the state dict: the dict itself, or what it holds under the first of
// `ema`, `ema_state_dict`, `state_dict`, `model_state_dict`, `model` and `params`
// that is a dict with tensors, and so on inward. Of a list, its first element.
// INVALID_ARGUMENT if there is none, or if one of the dicts on the way has a key
// twice, that is no string, or over 1024 bytes long.
absl::StatusOr<StateDictChoice> ChooseStateDict(const PickledObject& object);

// What common prefixes are taken off names, and what is dropped.
struct Renaming {
  std::string prefix;                        // "" if none; "ema_model.model." if several
  std::map<std::string, std::string> names;  // of what is kept: old to new
  std::vector<std::string> ignored;
};

// If there are names that begin with `ema_model.`, as the package ema-pytorch
// writes, they alone are kept, without it. Then `module.` and `model.` are taken
// off, again and again, as long as every name with a dot in it begins with one:
// names without a dot are buffers of the outer module, such as the `betas` of
// denoising-diffusion-pytorch, and stay. INVALID_ARGUMENT if two names become one.
absl::StatusOr<Renaming> StripPrefixes(const std::vector<std::string>& names);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_STATE_DICT_CHOICE_H_
