#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_SETTINGS_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/weights/dialects/json_fields.h"

namespace tweedie {

// What lies beside a file of weights and says what its tensors cannot. Sections
// do not matter: `values` holds the arguments of network and diffusion side by
// side, by the names that the dialect's project gives them.
struct ModelSettings {
  std::string dialect;  // empty: not said
  std::string weights;  // name of the file of weights; empty: not said
  JsonFields values;
  // The release that the file of weights itself says it is of; empty: not said.
  std::string file_version = {};
};

// {"dialect": "...", "weights": "FILE", "network": {...}, "diffusion": {...}},
// all optional. A key that both sections have must have one value. Errors are
// INVALID_ARGUMENT and name the key. Thread-safe.
absl::StatusOr<ModelSettings> ParseModelJson(absl::string_view json);

// YAML files of the projects, taken together: flat keys (guided-diffusion's as
// in the DPS authors' configs/*.yaml), or sections `model`, `diffusion`, `data`
// (ports of Ho et al.); sections about training and sampling are ignored. A key
// that is there twice must have one value. Thread-safe.
absl::StatusOr<ModelSettings> ParseYamlSettings(const std::vector<std::string>& documents);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_SETTINGS_H_
