#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_YAML_JSON_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_YAML_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The JSON text of a YAML document that is a map, of at most 64 KiB, 10,000
// values and 8 levels. Scalars without quotes are read as PyYAML reads them
// (YAML 1.1: True, yes and on are true; ~ is null), but 1e-4 is a number. Tags,
// anchors, aliases, keys that are not scalars or repeat, and a second document
// are refused. INVALID_ARGUMENT names the line. Thread-safe.
absl::StatusOr<std::string> JsonOfYaml(absl::string_view yaml);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_YAML_JSON_H_
