#include "core/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "core/base/failpoint.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

// An open file descriptor, closed at the end of its scope.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0666)
      : fd_(Open(path, flags, mode)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  // Closes now; false if the system reports an error that was held back.
  bool Close() {
    const int fd = fd_;
    fd_ = -1;
    return close(fd) == 0;
  }

 private:
  static int Open(const std::string& path, int flags, mode_t mode) {
    int fd;
    do {
      fd = open(path.c_str(), flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
  }
  int fd_;
};

absl::Status TooLarge(const std::string& path, int64_t max_bytes) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is too large: at most ", max_bytes, " bytes are allowed"));
}

// Reads to the end of the file, which may grow meanwhile.
absl::Status ReadAll(int fd, const std::string& path, int64_t max_bytes, std::string* bytes) {
  size_t size = 0;
  while (true) {
    if (bytes->size() == size) bytes->resize(size + std::max<size_t>(size / 2, 4096));
    const ssize_t n = read(fd, bytes->data() + size, bytes->size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(errno, "cannot read", path);
    if (n == 0) break;
    size += static_cast<size_t>(n);
    if (size > static_cast<size_t>(max_bytes)) return TooLarge(path, max_bytes);
  }
  bytes->resize(size);
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, const std::string& path, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(errno, "cannot write", path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status SetOwner(int fd, const std::string& path, const FileOwner& owner) {
  // fchown(2) takes bits of the mode away.
  if (fchown(fd, owner.user, owner.group) != 0 || fchmod(fd, owner.mode) != 0) {
    return ErrnoError(errno, "cannot keep the owner of", path);
  }
  return absl::OkStatus();
}

// Makes a new file with these bytes on disk. It is left behind on error.
absl::Status WriteNewFile(const std::string& path, absl::string_view bytes,
                          const FileOwner* owner) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL, owner == nullptr ? 0666 : 0600);
  if (file.get() < 0) return ErrnoError(errno, "cannot create", path);
  if (owner != nullptr) RETURN_IF_ERROR(SetOwner(file.get(), path, *owner));
  RETURN_IF_ERROR(HitFailpoint("file.write"));
  RETURN_IF_ERROR(WriteAll(file.get(), path, bytes));
  if (fsync(file.get()) != 0) return ErrnoError(errno, "cannot sync", path);
  if (!file.Close()) return ErrnoError(errno, "cannot close", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status InFile(absl::string_view path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status ErrnoError(int error, absl::string_view what, absl::string_view path) {
  const absl::Status status = absl::ErrnoToStatus(error, absl::StrCat(what, " ", path));
  if (status.code() != absl::StatusCode::kUnknown) return status;
  return absl::InternalError(status.message());
}

absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes,
                                     struct stat* state) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  Descriptor file(path, O_RDONLY | O_NONBLOCK);
  if (file.get() < 0) return ErrnoError(errno, "cannot open", path);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return ErrnoError(errno, "cannot stat", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
  }
  if (info.st_size > max_bytes) return TooLarge(path, max_bytes);
  if (state != nullptr) *state = info;
  // One more than its size, so that one read and one end-of-file suffice.
  std::string bytes(static_cast<size_t>(info.st_size) + 1, '\0');
  RETURN_IF_ERROR(ReadAll(file.get(), path, max_bytes, &bytes));
  return bytes;
}

static absl::Status WriteDurably(const std::string& path, absl::string_view bytes,
                                 const FileOwner* owner) {
  const std::string temporary = absl::StrCat(path, ".tmp-", RandomId(12));
  absl::Status written = WriteNewFile(temporary, bytes, owner);
  if (written.ok()) written = HitFailpoint("file.rename");
  if (written.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    written = ErrnoError(errno, "cannot rename to", path);
  }
  if (!written.ok()) {
    unlink(temporary.c_str());  // best effort: the first error is the one to report
    return written;
  }
  RETURN_IF_ERROR(HitFailpoint("file.sync"));
  return SyncFolder(FolderOf(path));
}

absl::Status WriteFileDurably(const std::string& path, absl::string_view bytes) {
  return WriteDurably(path, bytes, nullptr);
}

absl::Status WriteFileDurably(const std::string& path, absl::string_view bytes,
                              const FileOwner& owner) {
  return WriteDurably(path, bytes, &owner);
}

absl::Status SyncFolder(const std::string& path) {
  Descriptor folder(path, O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0) return ErrnoError(errno, "cannot open folder", path);
  if (fsync(folder.get()) != 0) return ErrnoError(errno, "cannot sync folder", path);
  return absl::OkStatus();
}

}  // namespace tweedie
