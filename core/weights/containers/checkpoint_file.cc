#include "core/weights/containers/checkpoint_file.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/problem_list.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/shard_index.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxFileBytes = int64_t{32} << 30;
constexpr int64_t kMaxIndexBytes = int64_t{16} << 20;

absl::StatusOr<CheckpointFile> Open(const std::string& path, bool follow) {
  CheckpointFile opened{.path = path,
                        .name = fs::path(path).filename().string(),
                        .file = nullptr,
                        .structure = nullptr,
                        .layout = {}};
  ASSIGN_OR_RETURN(opened.file, OpenByteFile(path, kMaxFileBytes, follow));
  opened.structure = std::make_unique<StructureReader>(opened.file.get());
  absl::StatusOr<FileLayout> layout = ReadFileLayout(*opened.structure);
  if (!layout.ok()) return InFile(path, layout.status());
  opened.layout = *std::move(layout);
  return opened;
}

// The path of a shard without symbolic links, which must lie in the folder.
absl::StatusOr<std::string> Resolve(const fs::path& folder, const std::string& name) {
  std::error_code error;
  const fs::path home = fs::canonical(folder, error);
  if (error) return ErrnoError(error.value(), "cannot open", folder.string());
  const fs::path resolved = fs::canonical(home / name, error);
  if (error) return ErrnoError(error.value(), "cannot open", (folder / name).string());
  if (resolved.parent_path() == home) return resolved.string();
  return absl::InvalidArgumentError(
      absl::StrCat((folder / name).string(),
                   " is a symbolic link to a file outside its folder, which a shard "
                   "may not be"));
}

// That the shard has the tensors that the index gives it, and no others.
absl::Status CheckNames(const CheckpointFile& shard, const std::set<std::string>& names) {
  ProblemList missing("missing"), extra("not in the index, or there for another file");
  for (const std::string& name : names) {
    if (shard.layout.tensors.count(name) == 0) missing.Add(name);
  }
  for (const auto& [name, tensor] : shard.layout.tensors) {
    if (names.count(name) == 0) extra.Add(name);
  }
  const std::string problems = ProblemList::Describe({&missing, &extra});
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(shard.path, ": tensors ", problems));
}

absl::StatusOr<std::vector<CheckpointFile>> OpenShards(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string index, ReadFile(path, kMaxIndexBytes));
  auto shards = ParseShardIndex(index);
  if (!shards.ok()) return InFile(path, shards.status());
  std::vector<CheckpointFile> files;
  for (const auto& [name, tensors] : *shards) {
    ASSIGN_OR_RETURN(const std::string resolved, Resolve(FolderOf(path), name));
    ASSIGN_OR_RETURN(CheckpointFile& file = files.emplace_back(), Open(resolved, false));
    file.name = name;
    RETURN_IF_ERROR(CheckNames(file, tensors));
    const FileLayout& first = files[0].layout;
    if (file.layout.container != first.container || file.layout.wrapper != first.wrapper) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": the shards ", files[0].name, " and ",
                                                     name, " are not of one kind"));
    }
  }
  return files;
}

}  // namespace

bool IsShardIndex(const std::string& path) { return absl::EndsWith(path, ".index.json"); }

absl::StatusOr<std::vector<CheckpointFile>> OpenCheckpointFiles(const std::string& path) {
  if (IsShardIndex(path)) return OpenShards(path);
  std::vector<CheckpointFile> files;
  ASSIGN_OR_RETURN(files.emplace_back(), Open(path, /*follow=*/true));
  return files;
}

}  // namespace tweedie
