#include "server/base/data_dir.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

absl::Status CannotUse(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("data folder ", path, ": ", why));
}

std::string Owner(int lock) {
  char text[32] = {};
  const ssize_t length = pread(lock, text, sizeof(text) - 1, 0);
  return length > 0 ? absl::StrCat(" (process ", text, ")") : "";
}

absl::Status CheckFileSystem(const std::string& path) {
  struct statfs info = {};
  if (statfs(path.c_str(), &info) != 0) return CannotUse(path, std::strerror(errno));
  const absl::string_view network = NetworkFileSystem(static_cast<int64_t>(info.f_type));
  if (network.empty()) return absl::OkStatus();
  return CannotUse(path, absl::StrCat("is on ", network,
                                      ", whose locks a queue cannot rely on; take a local disk, or "
                                      "--database"));
}

}  // namespace

absl::string_view NetworkFileSystem(int64_t type) {
  // Some systems extend the sign of the 32 bits.
  switch (static_cast<uint32_t>(type)) {
    case NFS_SUPER_MAGIC:
      return "NFS";
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
      return "SMB";
    case AFS_FS_MAGIC:
      return "AFS";
    case CEPH_SUPER_MAGIC:
      return "CephFS";
    case V9FS_MAGIC:
      return "9P";
    default:
      return "";
  }
}

absl::StatusOr<DataDir> DataDir::Open(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return CannotUse(path, error.message());
  RETURN_IF_ERROR(CheckFileSystem(path));
  const int lock = open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return CannotUse(path, std::strerror(errno));
  DataDir dir(path, lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return CannotUse(path, absl::StrCat("another server or command uses it", Owner(lock)));
  }
  const std::string pid = absl::StrCat(getpid());
  if (ftruncate(lock, 0) != 0 || pwrite(lock, pid.data(), pid.size(), 0) < 0) {
    return CannotUse(path, std::strerror(errno));
  }
  return dir;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDir::~DataDir() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace tweedie
