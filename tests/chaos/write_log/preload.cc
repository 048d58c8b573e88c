// A library for LD_PRELOAD that logs what a process does to the files below
// $TWEEDIE_WRITE_LOG_ROOT into $TWEEDIE_WRITE_LOG. Every call does what it always
// does; it is logged once it has succeeded, under one lock, so that the log has
// the order of the effects. Memory maps are not seen: SQLite uses one only for
// its -shm file, which it makes anew after a crash.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/chaos/write_log/record.h"

namespace tweedie {
namespace {

constexpr int kMaxFiles = 4096;

// Trivial, so that it is there before any constructor and after any destructor.
pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
char* paths[kMaxFiles];  // of open descriptors below the root
int log_fd = -1;

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

class Lock {
 public:
  Lock() { pthread_mutex_lock(&mu); }
  ~Lock() { pthread_mutex_unlock(&mu); }
};

bool IsBelowRoot(const char* path) {
  static const char* const root = getenv("TWEEDIE_WRITE_LOG_ROOT");
  return root != nullptr && path != nullptr && strncmp(path, root, strlen(root)) == 0;
}

const char* PathOf(int fd) { return fd >= 0 && fd < kMaxFiles ? paths[fd] : nullptr; }

// A log that is not whole would show losses that are none.
[[noreturn]] void Die(const char* what) {
  perror(what);
  abort();
}

int LogFile() {
  if (log_fd >= 0) return log_fd;
  using Open = int (*)(const char*, int, ...);
  log_fd = Real<Open>("open")(getenv("TWEEDIE_WRITE_LOG"),
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_fd < 0) Die("write log");
  return log_fd;
}

struct Entry {
  WriteKind kind;
  const char* path;
  const char* second_path = "";
  const void* data = nullptr;
  size_t data_size = 0;
  int64_t offset = 0;
};

// In one write, so that whoever reads the log's size finds whole records.
void Append(const Entry& entry) {
  const WriteHeader header = {entry.kind, static_cast<uint32_t>(strlen(entry.path)),
                              static_cast<uint32_t>(strlen(entry.second_path)),
                              static_cast<uint32_t>(entry.data_size), entry.offset};
  const iovec parts[] = {{const_cast<WriteHeader*>(&header), sizeof(header)},
                         {const_cast<char*>(entry.path), header.path_size},
                         {const_cast<char*>(entry.second_path), header.second_path_size},
                         {const_cast<void*>(entry.data), entry.data_size}};
  size_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  if (writev(LogFile(), parts, 4) != static_cast<ssize_t>(size)) Die("write log");
}

int OpenAndLog(const char* path, int flags, mode_t mode) {
  using Open = int (*)(const char*, int, ...);
  const Open open_file = Real<Open>("open");
  if (!IsBelowRoot(path)) return open_file(path, flags, mode);
  const Lock lock;
  struct stat info;
  const bool is_new = stat(path, &info) != 0;
  const int fd = open_file(path, flags, mode);
  if (fd < 0) return fd;
  if (fd >= kMaxFiles) Die("too many files");
  free(paths[fd]);
  paths[fd] = strdup(path);
  if (is_new) Append({WriteKind::kCreate, path});
  if (!is_new && (flags & O_TRUNC) != 0) Append({WriteKind::kTruncate, path});
  return fd;
}

// The calls of one signature, each logged as `entry` if it returns 0.
template <typename Call>
int DoAndLog(const Entry& entry, Call call) {
  if (entry.path == nullptr) return call();
  const Lock lock;
  const int result = call();
  if (result == 0) Append(entry);
  return result;
}

// What `call` writes at `offset`. The lock is held.
template <typename Call>
ssize_t WriteAndLog(int fd, const void* data, off_t offset, Call call) {
  const ssize_t written = call();
  if (written > 0) {
    Append({WriteKind::kWrite, PathOf(fd), "", data, static_cast<size_t>(written), offset});
  }
  return written;
}

const char* IfBelowRoot(const char* path) { return IsBelowRoot(path) ? path : nullptr; }

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace
}  // namespace tweedie

using tweedie::DoAndLog;
using tweedie::IfBelowRoot;
using tweedie::PathOf;
using tweedie::Real;
using tweedie::WriteKind;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = tweedie::ModeOf(flags, arguments);
  va_end(arguments);
  return tweedie::OpenAndLog(path, flags, mode);
}

int close(int fd) {
  {
    const tweedie::Lock lock;
    if (PathOf(fd) != nullptr) {
      free(tweedie::paths[fd]);
      tweedie::paths[fd] = nullptr;
    }
  }
  return Real<int (*)(int)>("close")(fd);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  using Pwrite = ssize_t (*)(int, const void*, size_t, off_t);
  const auto call = [&] { return Real<Pwrite>("pwrite")(fd, data, size, offset); };
  if (PathOf(fd) == nullptr) return call();
  const tweedie::Lock lock;
  return tweedie::WriteAndLog(fd, data, offset, call);
}

ssize_t write(int fd, const void* data, size_t size) {
  using Write = ssize_t (*)(int, const void*, size_t);
  const auto call = [&] { return Real<Write>("write")(fd, data, size); };
  if (PathOf(fd) == nullptr) return call();
  const tweedie::Lock lock;
  return tweedie::WriteAndLog(fd, data, lseek(fd, 0, SEEK_CUR), call);
}

int ftruncate(int fd, off_t size) {
  return DoAndLog({WriteKind::kTruncate, PathOf(fd), "", nullptr, 0, size},
                  [&] { return Real<int (*)(int, off_t)>("ftruncate")(fd, size); });
}

int fsync(int fd) {
  return DoAndLog({WriteKind::kSync, PathOf(fd)}, [&] { return Real<int (*)(int)>("fsync")(fd); });
}

int fdatasync(int fd) {
  return DoAndLog({WriteKind::kSync, PathOf(fd)},
                  [&] { return Real<int (*)(int)>("fdatasync")(fd); });
}

int rename(const char* from, const char* to) {
  return DoAndLog({WriteKind::kRename, IfBelowRoot(from), to},
                  [&] { return Real<int (*)(const char*, const char*)>("rename")(from, to); });
}

int unlink(const char* path) {
  return DoAndLog({WriteKind::kRemove, IfBelowRoot(path)},
                  [&] { return Real<int (*)(const char*)>("unlink")(path); });
}

int rmdir(const char* path) {
  return DoAndLog({WriteKind::kRemove, IfBelowRoot(path)},
                  [&] { return Real<int (*)(const char*)>("rmdir")(path); });
}

int remove(const char* path) {
  return DoAndLog({WriteKind::kRemove, IfBelowRoot(path)},
                  [&] { return Real<int (*)(const char*)>("remove")(path); });
}

int mkdir(const char* path, mode_t mode) {
  return DoAndLog({WriteKind::kMakeDir, IfBelowRoot(path)},
                  [&] { return Real<int (*)(const char*, mode_t)>("mkdir")(path, mode); });
}

// The same on 64-bit machines.
int open64(const char* path, int flags, ...) __attribute__((alias("open")));
ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset)
    __attribute__((alias("pwrite")));
int ftruncate64(int fd, off_t size) noexcept __attribute__((alias("ftruncate")));

}  // extern "C"
