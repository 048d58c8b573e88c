#include "core/weights/model_files.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/checkpoint_file.h"
#include "core/weights/folder_state.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxSettingsBytes = int64_t{1} << 20;
constexpr size_t kMaxYamlFiles = 8;
constexpr char kModelJson[] = "model.json";

struct Names {
  std::vector<std::string> weights, yaml;
  bool has_model_json = false;
};

constexpr const char* kWeightsEndings[] = {".safetensors", ".pt", ".pth", ".ckpt", ".bin"};

bool IsYaml(absl::string_view name) {
  return absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml");
}

// The folder's files by kind, in order.
Names List(const std::string& folder) {
  Names names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (IsWeightsFile(name) || IsShardIndex(name)) names.weights.push_back(name);
    if (IsYaml(name)) names.yaml.push_back(name);
    if (name == kModelJson) names.has_model_json = true;
  }
  // What an index names are its shards.
  if (std::any_of(names.weights.begin(), names.weights.end(), IsShardIndex)) {
    names.weights.erase(std::partition(names.weights.begin(), names.weights.end(), IsShardIndex),
                        names.weights.end());
  }
  std::sort(names.weights.begin(), names.weights.end());
  std::sort(names.yaml.begin(), names.yaml.end());
  return names;
}

absl::StatusOr<ModelSettings> ReadModelJson(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxSettingsBytes));
  absl::StatusOr<ModelSettings> settings = ParseModelJson(text);
  if (!settings.ok()) return InFile(path, settings.status());
  return settings;
}

absl::StatusOr<ModelSettings> ReadYaml(const std::string& folder,
                                       const std::vector<std::string>& names) {
  if (names.size() > kMaxYamlFiles) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder, " has ", names.size(), " YAML files; at most ", kMaxYamlFiles, " are read"));
  }
  std::vector<std::string> documents;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(documents.emplace_back(),
                     ReadFile(absl::StrCat(folder, "/", name), kMaxSettingsBytes));
  }
  absl::StatusOr<ModelSettings> settings = ParseYamlSettings(documents);
  if (!settings.ok()) {
    return InFile(absl::StrCat(folder, "/", absl::StrJoin(names, " and ")), settings.status());
  }
  return settings;
}

// The one file of weights, or the one that is named.
absl::StatusOr<std::string> ChooseWeights(const std::string& folder, const Names& names,
                                          const std::string& wanted) {
  if (names.weights.empty() && wanted.empty()) {
    return absl::NotFoundError(absl::StrCat(folder, " has no file of weights (*",
                                            absl::StrJoin(kWeightsEndings, ", *"), ")"));
  }
  if (wanted.empty() && names.weights.size() == 1) return names.weights[0];
  if (wanted.empty()) {
    return FieldError("weights", absl::StrCat("must name one of ",
                                              absl::StrJoin(names.weights, ", "), " in ", folder));
  }
  const bool listed =
      std::find(names.weights.begin(), names.weights.end(), wanted) != names.weights.end();
  if (listed) return wanted;
  return FieldError("weights", absl::StrCat("must name a file of weights in ", folder, "; was ",
                                            wanted.substr(0, 80)));
}

absl::StatusOr<std::optional<ModelFiles>> ReadFolder(const std::string& folder) {
  const Names names = List(folder);
  if (!names.has_model_json && names.yaml.empty() && names.weights.empty()) return std::nullopt;
  absl::StatusOr<ModelSettings> settings =
      names.has_model_json ? ReadModelJson(absl::StrCat(folder, "/", kModelJson))
                           : ReadYaml(folder, names.yaml);
  if (!settings.ok()) return settings.status();
  ASSIGN_OR_RETURN(const std::string weights, ChooseWeights(folder, names, settings->weights));
  return ModelFiles{absl::StrCat(folder, "/", weights), *std::move(settings)};
}

absl::StatusOr<ModelSettings> ReadSettingsBeside(const fs::path& weights) {
  const fs::path json = fs::path(weights).replace_extension(".json");
  if (Exists(json.string())) return ReadModelJson(json.string());
  std::vector<std::string> yaml;
  for (const char* ending : {".yaml", ".yml"}) {
    const fs::path beside = fs::path(weights).replace_extension(ending);
    if (Exists(beside.string())) yaml.push_back(beside.filename().string());
  }
  return ReadYaml(FolderOf(weights.string()), yaml);
}

}  // namespace

bool IsWeightsFile(absl::string_view name) {
  return std::any_of(std::begin(kWeightsEndings), std::end(kWeightsEndings),
                     [&](const char* ending) { return absl::EndsWith(name, ending); });
}

absl::StatusOr<std::optional<ModelFiles>> ReadModelFiles(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return ReadFolder(path);
  ASSIGN_OR_RETURN(ModelSettings settings, ReadSettingsBeside(path));
  return ModelFiles{path, std::move(settings)};
}

}  // namespace tweedie
