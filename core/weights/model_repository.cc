#include "core/weights/model_repository.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxNameLength = 63;

bool IsName(absl::string_view name) {
  const auto alphanumeric = [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); };
  return !name.empty() && name.size() <= kMaxNameLength && alphanumeric(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

// Whether it is to be a model: a folder, a link to one, or a link to nothing,
// which somebody would otherwise look for in vain.
bool IsCandidate(const fs::directory_entry& entry) {
  std::error_code error;
  if (entry.is_directory(error)) return true;
  return entry.is_symlink(error) && !entry.exists(error);
}

absl::StatusOr<std::vector<std::string>> CandidateNames(const std::string& dir) {
  std::error_code error;
  if (!fs::is_directory(dir, error)) {
    return absl::NotFoundError(absl::StrCat("folder of models ", dir, " is not there"));
  }
  std::vector<std::string> names;
  fs::directory_iterator entry(dir, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (IsCandidate(*entry)) names.push_back(entry->path().filename().string());
  }
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("cannot list folder of models ", dir, ": ", error.message()));
  }
  return names;
}

ModelEntry LoadEntry(const std::string& dir, const std::string& name) {
  ModelEntry entry{.name = name, .model = nullptr, .error = {}, .load_time = absl::Now()};
  if (!IsName(name)) {
    entry.name = absl::CHexEscape(name);  // may be no UTF-8
    entry.error = absl::InvalidArgumentError(
        absl::StrCat("folder name '", entry.name, "' must match [a-z0-9][a-z0-9._-]{0,62}"));
    return entry;
  }
  auto model = LoadModel(name, absl::StrCat(dir, "/", name));
  if (model.ok()) {
    entry.model = *std::move(model);
  } else {
    entry.error = model.status();
  }
  entry.load_time = absl::Now();
  return entry;
}

}  // namespace

absl::StatusOr<ModelRepository> ModelRepository::Load(const std::string& dir) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, CandidateNames(dir));
  if (names.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("folder of models ", dir, " holds none"));
  }
  ModelRepository repository;
  for (const std::string& name : names) repository.entries_.push_back(LoadEntry(dir, name));
  std::sort(repository.entries_.begin(), repository.entries_.end(),
            [](const ModelEntry& a, const ModelEntry& b) { return a.name < b.name; });
  return repository;
}

const ModelEntry* ModelRepository::Find(absl::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const ModelEntry& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace tweedie
