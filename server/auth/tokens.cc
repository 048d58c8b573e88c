#include "server/auth/tokens.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

// The lock of a folder, in which the file changes its inode at each edit. It dies with
// the process.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : fd_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0 || flock(fd_, LOCK_EX) != 0) {
      status_ = ErrnoError(errno, "cannot lock folder", folder);
    }
  }
  ~FolderLock() {
    if (fd_ >= 0) close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  const absl::Status& status() const { return status_; }

 private:
  const int fd_;
  absl::Status status_;
};

absl::StatusOr<std::vector<AccessEntry>> Read(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadAccessFile(path));
  absl::StatusOr<std::vector<AccessEntry>> entries = ParseAccess(text);
  if (!entries.ok()) return InFile(path, entries.status());
  return entries;
}

// Of the file that is replaced; nullopt if there is none.
absl::StatusOr<std::optional<FileOwner>> OwnerOf(const std::string& path) {
  struct stat state = {};
  if (stat(path.c_str(), &state) == 0) {
    return FileOwner{state.st_uid, state.st_gid, state.st_mode & mode_t{07777}};
  }
  if (errno == ENOENT) return std::nullopt;
  return ErrnoError(errno, "cannot stat", path);
}

}  // namespace

absl::StatusOr<std::string> NewToken() {
  char bits[32];
  if (getentropy(bits, sizeof(bits)) != 0) {
    return absl::ErrnoToStatus(errno, "cannot draw random bits");
  }
  return absl::StrCat("tweedie_", absl::WebSafeBase64Escape(absl::string_view(bits, sizeof(bits))));
}

absl::Status EditAccessFile(const std::string& path, bool may_be_new, const AccessEdit& edit) {
  const FolderLock lock(FolderOf(path));
  RETURN_IF_ERROR(lock.status());
  ASSIGN_OR_RETURN(const std::optional<FileOwner> owner, OwnerOf(path));
  std::vector<AccessEntry> entries;
  if (owner.has_value() || !may_be_new) {
    ASSIGN_OR_RETURN(entries, Read(path));
  }
  RETURN_IF_ERROR(edit(entries));
  const std::string text = FormatAccess(entries);
  // What is written must be readable: nothing of the command line may break the file.
  RETURN_IF_ERROR(ParseAccess(text).status());
  return WriteFileDurably(path, text, owner.value_or(FileOwner{geteuid(), getegid(), 0600}));
}

}  // namespace tweedie
