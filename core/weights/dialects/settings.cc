#include "core/weights/dialects/settings.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/yaml_json.h"

namespace tweedie {
namespace {

using nlohmann::json;

constexpr std::array<absl::string_view, 4> kSections = {"network", "model", "diffusion", "data"};
constexpr std::array<absl::string_view, 7> kIgnoredSections = {
    "training", "sampling", "optim", "optimizer", "time_travel", "evaluation", "classifier"};

template <typename Names>
bool Contains(const Names& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status Put(const std::string& key, const json& value, json* flat) {
  const auto found = flat->find(key);
  if (found == flat->end()) {
    (*flat)[key] = value;
  } else if (*found != value) {
    return absl::InvalidArgumentError(
        absl::StrCat("key ", absl::CHexEscape(key.substr(0, 60)), " has two values"));
  }
  return absl::OkStatus();
}

// Adds the keys of `root` and of its sections to `flat`.
absl::Status Flatten(const json& root, json* flat) {
  for (const auto& [key, value] : root.items()) {
    if (!value.is_object()) {
      RETURN_IF_ERROR(Put(key, value, flat));
    } else if (Contains(kSections, key)) {
      for (const auto& [inner, inner_value] : value.items()) {
        RETURN_IF_ERROR(Put(inner, inner_value, flat));
      }
    } else if (!Contains(kIgnoredSections, key)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown section ", absl::CHexEscape(key.substr(0, 60))));
    }
  }
  return absl::OkStatus();
}

// Of text that JsonFields or JsonOfYaml has found good.
absl::StatusOr<ModelSettings> MakeSettings(const json& flat) {
  ASSIGN_OR_RETURN(JsonFields values,
                   JsonFields::Parse(flat.dump(-1, ' ', true, json::error_handler_t::replace)));
  ModelSettings settings{"", "", std::move(values)};
  RETURN_IF_ERROR(settings.values.String("dialect", &settings.dialect));
  RETURN_IF_ERROR(settings.values.String("weights", &settings.weights));
  return settings;
}

}  // namespace

absl::StatusOr<ModelSettings> ParseModelJson(absl::string_view text) {
  RETURN_IF_ERROR(JsonFields::Parse(text).status());
  const json root = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return absl::InvalidArgumentError("not valid JSON");
  json flat = json::object();
  RETURN_IF_ERROR(Flatten(root, &flat));
  return MakeSettings(flat);
}

absl::StatusOr<ModelSettings> ParseYamlSettings(const std::vector<std::string>& documents) {
  json flat = json::object();
  for (const std::string& document : documents) {
    ASSIGN_OR_RETURN(const std::string text, JsonOfYaml(document));
    RETURN_IF_ERROR(Flatten(json::parse(text, nullptr, /*allow_exceptions=*/false), &flat));
  }
  return MakeSettings(flat);
}

}  // namespace tweedie
