#include "server/base/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

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

}  // namespace

absl::StatusOr<DataDir> DataDir::Open(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return CannotUse(path, error.message());
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
