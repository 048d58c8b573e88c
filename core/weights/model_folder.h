#ifndef TWEEDIE_CORE_WEIGHTS_MODEL_FOLDER_H_
#define TWEEDIE_CORE_WEIGHTS_MODEL_FOLDER_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/weights/dialects/settings.h"

namespace tweedie {

// A folder of weights in a dialect other than diffusers': which file they are in,
// and what the files beside it say of them.
struct ModelFolder {
  std::string weights;  // path
  ModelSettings settings;
};

// Reads `model.json`, or else all `*.yaml` and `*.yml` together (none is no error:
// then the settings say nothing), and finds the weights. nullopt if the folder
// has neither weights nor settings. INVALID_ARGUMENT if there are several files
// of weights and none is named, or if the name is not that of a file of the
// folder; NOT_FOUND if there is none. Thread-safe.
absl::StatusOr<std::optional<ModelFolder>> ReadModelFolder(const std::string& folder);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_MODEL_FOLDER_H_
