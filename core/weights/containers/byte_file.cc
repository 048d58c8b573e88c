#include "core/weights/containers/byte_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

class DiskFile final : public ByteFile {
 public:
  DiskFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~DiskFile() override { close(fd_); }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  // To be called once, before anything else.
  absl::Status Init(int64_t max_bytes) {
    struct stat info;
    if (fstat(fd_, &info) != 0) return ErrnoError(errno, "cannot stat", path_);
    if (!S_ISREG(info.st_mode)) {
      return absl::InvalidArgumentError(absl::StrCat(path_, " is not a regular file"));
    }
    if (info.st_size > max_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, " is too large: at most ", max_bytes, " bytes are allowed"));
    }
    size_ = info.st_size;
    return absl::OkStatus();
  }
  int64_t size() const override { return size_; }
  absl::Status ReadAt(int64_t offset, size_t count, char* out) const override {
    while (count > 0) {
      const ssize_t n = pread(fd_, out, count, offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoError(errno, "cannot read", path_);
      if (n == 0) return Changed();
      offset += n;
      out += n;
      count -= static_cast<size_t>(n);
    }
    return absl::OkStatus();
  }
  absl::Status CheckSize() const override {
    struct stat info;
    if (fstat(fd_, &info) != 0) return ErrnoError(errno, "cannot stat", path_);
    return info.st_size == size_ ? absl::OkStatus() : Changed();
  }
  void Prefetch(int64_t offset, int64_t count) const override {
    posix_fadvise(fd_, offset, count, POSIX_FADV_WILLNEED);
  }

 private:
  absl::Status Changed() const {
    return absl::AbortedError(absl::StrCat(path_, " changed its size while it was read"));
  }

  const int fd_;
  const std::string path_;
  int64_t size_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteFile>> OpenByteFile(const std::string& path, int64_t max_bytes,
                                                       bool follow) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
  int fd;
  do {
    fd = open(path.c_str(), flags);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return ErrnoError(errno, "cannot open", path);
  auto file = std::make_unique<DiskFile>(fd, path);
  RETURN_IF_ERROR(file->Init(max_bytes));
  return file;
}

absl::Status MemoryFile::ReadAt(int64_t offset, size_t count, char* out) const {
  if (count > 0) std::memcpy(out, bytes_.data() + offset, count);
  return absl::OkStatus();
}

}  // namespace tweedie
