#include "core/jobs/blob_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool IsNamePart(absl::string_view part) {
  return !part.empty() && part != "." && part != ".." &&
         std::all_of(part.begin(), part.end(), IsNameCharacter);
}

bool IsBlobName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  return parts.size() <= 2 && std::all_of(parts.begin(), parts.end(), IsNamePart);
}

// The folder part of a name; empty if it has none.
std::string FolderOf(absl::string_view name) {
  const size_t slash = name.find('/');
  return slash == absl::string_view::npos ? "" : std::string(name.substr(0, slash));
}

absl::Status MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0777) == 0 || errno == EEXIST) return absl::OkStatus();
  return ErrnoError(errno, "cannot make folder", path);
}

absl::Status ListError(const std::string& path, std::error_code error) {
  return ErrnoError(error.value(), "cannot list", path);
}

// Whether a file was last written before `latest`; false if it has vanished.
bool WrittenBefore(const fs::directory_entry& entry, fs::file_time_type latest) {
  std::error_code vanished;
  const fs::file_time_type written = entry.last_write_time(vanished);
  return !vanished && written <= latest;
}

// The latest time of what is `min_age` old; everything's if that is zero.
fs::file_time_type LatestOfAge(absl::Duration min_age) {
  if (min_age <= absl::ZeroDuration()) return fs::file_time_type::max();
  return fs::file_time_type::clock::now() - absl::ToChronoNanoseconds(min_age);
}

// Appends the regular files of a folder that were written before `latest`,
// `prefix` before their names, and its folders likewise to `folders` if that is
// given. What vanishes meanwhile is left out.
absl::Status ListFolder(const std::string& path, const std::string& prefix,
                        fs::file_time_type latest, std::vector<std::string>* files,
                        std::vector<std::string>* folders) {
  std::error_code error;
  fs::directory_iterator it(path, error);
  if (error == std::errc::no_such_file_or_directory) return absl::OkStatus();
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code vanished;
    const fs::file_status status = it->symlink_status(vanished);
    const std::string name = absl::StrCat(prefix, it->path().filename().string());
    if (!IsBlobName(name)) continue;
    if (fs::is_regular_file(status) && WrittenBefore(*it, latest)) files->push_back(name);
    if (fs::is_directory(status) && folders != nullptr) folders->push_back(name);
  }
  return error ? ListError(path, error) : absl::OkStatus();
}

}  // namespace

absl::Status CheckBlobName(absl::string_view name) {
  if (IsBlobName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("malformed blob name '", name, "'"));
}

absl::Status BlobIsMissing(absl::string_view name) {
  return absl::DataLossError(absl::StrCat("blob ", name, " is missing"));
}

absl::Status CheckBlob(const BlobRef& ref, absl::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) == ref.size && Sha256Hex(bytes) == ref.sha256) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("blob ", ref.name, " is damaged: ", bytes.size(),
                                          " bytes, of ", ref.size, " with SHA-256 ", ref.sha256));
}

absl::StatusOr<FileBlobStore> FileBlobStore::Open(const std::string& root) {
  RETURN_IF_ERROR(MakeFolder(root));
  const fs::path parent = fs::path(root).parent_path();
  RETURN_IF_ERROR(SyncFolder(parent.empty() ? "." : parent.string()));
  RETURN_IF_ERROR(SyncFolder(root));  // an error if it is not a folder
  return FileBlobStore(root);
}

absl::StatusOr<BlobRef> FileBlobStore::Write(absl::string_view name,
                                             absl::string_view bytes) const {
  RETURN_IF_ERROR(CheckBlobName(name));
  const std::string folder = FolderOf(name);
  const std::string path = absl::StrCat(root_, "/", name);
  absl::Status written;
  // Remove() of the folder's last blob may take the folder away in between.
  for (int attempt = 0; attempt < 10; ++attempt) {
    if (!folder.empty()) RETURN_IF_ERROR(MakeFolder(absl::StrCat(root_, "/", folder)));
    written = WriteFileDurably(path, bytes);
    if (!absl::IsNotFound(written)) break;
  }
  // Else each try on a full disk would leave one more.
  if (!written.ok() && !folder.empty()) rmdir(absl::StrCat(root_, "/", folder).c_str());
  RETURN_IF_ERROR(written);
  if (!folder.empty()) RETURN_IF_ERROR(SyncFolder(root_));
  return BlobRef{std::string(name), static_cast<int64_t>(bytes.size()), Sha256Hex(bytes)};
}

absl::StatusOr<std::string> FileBlobStore::Read(const BlobRef& ref) const {
  RETURN_IF_ERROR(CheckBlobName(ref.name));
  absl::StatusOr<std::string> bytes = ReadFile(absl::StrCat(root_, "/", ref.name), ref.size);
  if (absl::IsNotFound(bytes.status())) return BlobIsMissing(ref.name);
  if (absl::IsInvalidArgument(bytes.status())) {
    return absl::DataLossError(absl::StrCat("blob ", ref.name, ": ", bytes.status().message()));
  }
  RETURN_IF_ERROR(bytes.status());
  RETURN_IF_ERROR(CheckBlob(ref, *bytes));
  return bytes;
}

absl::Status FileBlobStore::Remove(absl::string_view name) const {
  RETURN_IF_ERROR(CheckBlobName(name));
  const std::string path = absl::StrCat(root_, "/", name);
  if (unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return ErrnoError(errno, "cannot remove", path);
  }
  const std::string folder = FolderOf(name);
  if (folder.empty()) return absl::OkStatus();
  const std::string folder_path = absl::StrCat(root_, "/", folder);
  if (rmdir(folder_path.c_str()) == 0 || errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT ||
      errno == ENOTDIR) {
    return absl::OkStatus();
  }
  return ErrnoError(errno, "cannot remove folder", folder_path);
}

absl::StatusOr<std::vector<std::string>> FileBlobStore::List(absl::Duration min_age) const {
  const fs::file_time_type latest = LatestOfAge(min_age);
  std::vector<std::string> names;
  std::vector<std::string> folders;
  RETURN_IF_ERROR(ListFolder(root_, "", latest, &names, &folders));
  for (const std::string& folder : folders) {
    const std::string path = absl::StrCat(root_, "/", folder);
    RETURN_IF_ERROR(ListFolder(path, absl::StrCat(folder, "/"), latest, &names, nullptr));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tweedie
