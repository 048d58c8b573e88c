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
#include "core/weights/folder_state.h"
#include "core/weights/model_files.h"

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

// The name of what is to be a model; empty if it is none.
std::string NameOf(const fs::directory_entry& entry) {
  if (IsCandidate(entry)) return entry.path().filename().string();
  std::error_code error;
  const bool weights =
      entry.is_regular_file(error) && IsWeightsFile(entry.path().filename().string());
  return weights ? entry.path().stem().string() : "";
}

// By their names. The path of a name that two have is empty.
using Paths = std::map<std::string, std::string>;

absl::StatusOr<Paths> FindCandidates(const std::string& dir) {
  std::error_code error;
  if (!fs::is_directory(dir, error)) {
    return absl::NotFoundError(absl::StrCat("folder of models ", dir, " is not there"));
  }
  Paths paths;
  fs::directory_iterator entry(dir, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = NameOf(*entry);
    if (name.empty()) continue;
    const auto [known, is_new] = paths.emplace(name, entry->path().string());
    if (!is_new) known->second.clear();
  }
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("cannot list folder of models ", dir, ": ", error.message()));
  }
  return paths;
}

std::string Printable(const std::string& name) { return absl::CHexEscape(name); }

absl::Status CheckCandidate(const std::string& name, const std::string& path) {
  if (!IsName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("name '", Printable(name), "' must match [a-z0-9][a-z0-9._-]{0,62}"));
  }
  if (!path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("two are called '", name, "': a folder and a file, or two files"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelRepository>> ModelRepository::Open(const std::string& dir,
                                                                       const OnRead& on_read) {
  auto repository = std::unique_ptr<ModelRepository>(new ModelRepository(dir));
  RETURN_IF_ERROR(repository->Look(/*at_start=*/true, on_read));
  if (repository->entries().empty()) {
    return absl::FailedPreconditionError(absl::StrCat("folder of models ", dir, " holds none"));
  }
  return repository;
}

absl::StatusOr<std::unique_ptr<ModelRepository>> ModelRepository::Open(const std::string& dir) {
  return Open(dir, [](const std::string&, const Read& read) { return read.status(); });
}

absl::Status ModelRepository::Look(const OnRead& on_read) {
  return Look(/*at_start=*/false, on_read);
}

absl::Status ModelRepository::Look(bool at_start, const OnRead& on_read) {
  absl::MutexLock lock(&look_mu_);
  ASSIGN_OR_RETURN(const Paths paths, FindCandidates(dir_));
  for (const auto& [name, path] : paths) LookAt(name, path, at_start, on_read);
  Forget(paths);
  return absl::OkStatus();
}

void ModelRepository::LookAt(const std::string& name, const std::string& path, bool at_start,
                             const OnRead& on_read) {
  const absl::Status candidate = CheckCandidate(name, path);
  const std::string now = candidate.ok() ? DescribeFiles(path) : std::string(candidate.message());
  Seen& seen = seen_[name];
  const bool settled = std::exchange(seen.last, now) == now;
  if (now == seen.read || (!settled && !at_start)) return;
  if (candidate.ok()) return ReadFiles(name, path, seen, on_read);
  seen.read = now;
  ModelEntry entry;
  entry.name = Printable(name);
  entry.error = on_read(entry.name, candidate);
  entry.read_time = absl::Now();
  Publish(std::move(entry));
}

void ModelRepository::ReadFiles(const std::string& name, const std::string& path, Seen& seen,
                                const OnRead& on_read) {
  Read model = LoadModel(name, path);
  // Files of two versions may be among those read: the next looks read them again.
  const std::string after = DescribeFiles(path);
  if (after != seen.last) {
    seen.last = after;
    return;
  }
  seen.read = after;
  const Entry before = Find(name);
  ModelEntry entry = before ? *before : ModelEntry();
  entry.name = name;
  entry.read_time = absl::Now();
  auto description = model.ok() ? std::make_shared<const ModelDescription>(**model) : nullptr;
  entry.error = on_read(name, std::move(model));
  if (entry.error.ok()) {
    entry.model = std::move(description);
    entry.path = path;
    entry.files = after;
  }
  Publish(std::move(entry));
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> ModelRepository::ReadWeights(
    absl::string_view name) const {
  const Entry entry = Find(name);
  if (entry == nullptr || entry->model == nullptr) {
    return absl::NotFoundError(absl::StrCat("no model models/", name));
  }
  absl::StatusOr<std::shared_ptr<const LoadedModel>> model = LoadModel(name, entry->path);
  // Whatever was found in files that are written just now: half of one is malformed.
  if (DescribeFiles(entry->path) == entry->files) return model;
  return absl::UnavailableError(absl::StrCat("the files of models/", name, " are being changed"));
}

void ModelRepository::Publish(ModelEntry entry) {
  auto shared = std::make_shared<const ModelEntry>(std::move(entry));
  absl::MutexLock lock(&mu_);
  entries_[shared->name] = shared;
}

void ModelRepository::Forget(const Paths& present) {
  for (auto it = seen_.begin(); it != seen_.end();) {
    if (present.count(it->first) > 0) {
      ++it;
      continue;
    }
    absl::MutexLock lock(&mu_);
    entries_.erase(Printable(it->first));
    it = seen_.erase(it);
  }
}

std::vector<ModelRepository::Entry> ModelRepository::entries() const {
  absl::MutexLock lock(&mu_);
  std::vector<Entry> entries;
  for (const auto& [name, entry] : entries_) entries.push_back(entry);
  return entries;
}

ModelRepository::Entry ModelRepository::Find(absl::string_view name) const {
  absl::MutexLock lock(&mu_);
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : it->second;
}

}  // namespace tweedie
