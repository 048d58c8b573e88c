#ifndef TWEEDIE_CORE_WEIGHTS_MODEL_FILES_H_
#define TWEEDIE_CORE_WEIGHTS_MODEL_FILES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/weights/dialects/settings.h"

namespace tweedie {

// Weights in a dialect other than diffusers': which file they are in, and what the
// files beside it say of them.
struct ModelFiles {
  std::string weights;  // path
  ModelSettings settings;
};

// Whether a file of this name may hold weights: `*.safetensors`, `*.pt`, `*.pth`,
// `*.ckpt`, `*.bin`. Thread-safe.
bool IsWeightsFile(absl::string_view name);

// Of a folder: reads `model.json`, or else all `*.yaml` and `*.yml` together (none is
// no error: then the settings say nothing), and finds the weights: a file of weights,
// or an index of shards, `*.index.json`. nullopt if the folder has neither weights nor
// settings. INVALID_ARGUMENT if there are several files of weights and none is named,
// or if the name is not that of a file of the folder; NOT_FOUND if there is none.
//
// Of a file of weights NAME.pt: reads `NAME.json`, or else `NAME.yaml` and
// `NAME.yml`, beside it. Thread-safe.
absl::StatusOr<std::optional<ModelFiles>> ReadModelFiles(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_MODEL_FILES_H_
