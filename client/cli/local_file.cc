#include "client/cli/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr char kMark[] = "tweedie.cli/local_file";
constexpr int64_t kMaxBytes = 64 << 20;

absl::Status ErrnoError(absl::string_view path) {
  return LocalFileError(path, std::strerror(errno));
}

// Closes on destruction.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status CheckRegular(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoError(path);
  if (!S_ISREG(info.st_mode)) return LocalFileError(path, "not a file");
  if (info.st_size > kMaxBytes) {
    return LocalFileError(path, absl::StrCat("larger than ", kMaxBytes, " bytes"));
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status WriteAndRename(const std::string& temporary, const std::string& path,
                            absl::string_view bytes) {
  {
    const FileDescriptor fd(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (fd.get() < 0) return ErrnoError(path);
    RETURN_IF_ERROR(WriteAll(fd.get(), bytes, path));
    // Quotas of network filesystems are reported here.
    if (fsync(fd.get()) != 0 && errno != EINVAL) return ErrnoError(path);
  }
  return rename(temporary.c_str(), path.c_str()) == 0 ? absl::OkStatus() : ErrnoError(path);
}

}  // namespace

absl::Status LocalFileError(absl::string_view path, absl::string_view problem) {
  absl::Status status = absl::FailedPreconditionError(absl::StrCat(path, ": ", problem));
  status.SetPayload(kMark, absl::Cord());
  return status;
}

bool IsLocalFileError(const absl::Status& status) { return status.GetPayload(kMark).has_value(); }

absl::StatusOr<std::string> ReadLocalFile(const std::string& path) {
  // Not blocking, should it be a pipe.
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return ErrnoError(path);
  RETURN_IF_ERROR(CheckRegular(fd.get(), path));
  std::string bytes;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(path);
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(n));
  }
}

absl::Status WriteLocalFile(const std::string& path, absl::string_view bytes) {
  const std::string temporary = absl::StrCat(path, ".tmp.", getpid());
  const absl::Status status = WriteAndRename(temporary, path, bytes);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status MakeLocalFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return LocalFileError(path, error.message());
  if (!std::filesystem::is_directory(path, error)) return LocalFileError(path, "not a folder");
  return absl::OkStatus();
}

}  // namespace tweedie::cli
