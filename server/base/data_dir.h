#ifndef TWEEDIE_SERVER_BASE_DATA_DIR_H_
#define TWEEDIE_SERVER_BASE_DATA_DIR_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The name of a network's file system by its number in statfs(2), or "": SQLite's
// write-ahead log and the lock of a folder cannot be trusted there (sqlite.org/wal.html,
// sqlite.org/howtocorrupt.html, section 2.1).
absl::string_view NetworkFileSystem(int64_t type);

// A data folder, locked for this process as long as this lives; the lock dies
// with the process, however that ends. Movable.
class DataDir {
 public:
  // Makes the folder if need be. FAILED_PRECONDITION if another server or command
  // holds it (the message tells its process id), if it cannot be written, or if it
  // is on a NetworkFileSystem().
  static absl::StatusOr<DataDir> Open(const std::string& path);
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&&) = delete;
  ~DataDir();

  std::string queue_path() const { return path_ + "/queue.sqlite"; }
  std::string reserve_path() const { return path_ + "/reserve"; }
  std::string blobs_path() const { return path_ + "/blobs"; }
  // What calls of each network cost; may be removed at any time.
  std::string costs_path() const { return path_ + "/call-costs"; }
  // Where a repair puts damaged blobs; there only once there is one.
  std::string damaged_path() const { return path_ + "/damaged"; }

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;  // a file descriptor
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_BASE_DATA_DIR_H_
