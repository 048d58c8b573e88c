#include "server/runner/disk_reserve.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

bool IsWhole(const std::string& path, int64_t bytes) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && info.st_size == bytes &&
         int64_t{info.st_blocks} * 512 >= bytes;
}

}  // namespace

DiskReserve::DiskReserve(std::string path, int64_t bytes)
    : path_(std::move(path)), bytes_(bytes), held_(bytes == 0) {}

int64_t DiskReserve::free_bytes() const {
  struct statvfs disk;
  if (statvfs(FolderOf(path_).c_str(), &disk) != 0) return 0;
  return static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
}

absl::Status DiskReserve::Allocate() const {
  const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return ErrnoError(errno, "cannot create", path_);
  const int error = posix_fallocate(file, 0, bytes_);
  close(file);
  if (error == 0) return absl::OkStatus();
  unlink(path_.c_str());  // best effort: the first error is the one to report
  return ErrnoError(error, "cannot reserve", path_);
}

absl::Status DiskReserve::Restore() {
  absl::MutexLock lock(&mu_);
  if (held_) return absl::OkStatus();
  if (!IsWhole(path_, bytes_)) {
    if (const int64_t free = free_bytes(); free < 2 * bytes_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("too little is free for the reserve: ", free, " bytes of ", 2 * bytes_));
    }
    RETURN_IF_ERROR(Allocate());
  }
  held_ = true;
  return absl::OkStatus();
}

absl::Status DiskReserve::MakeRoom(absl::Status status) {
  if (absl::IsResourceExhausted(status) && GiveUp()) {
    spdlog::warn("the disk is full: its reserve is given up, new jobs are refused");
  }
  return status;
}

bool DiskReserve::GiveUp() {
  absl::MutexLock lock(&mu_);
  if (bytes_ == 0 || !held_.exchange(false)) return false;
  return unlink(path_.c_str()) == 0;
}

}  // namespace tweedie
