#ifndef TWEEDIE_CORE_BASE_FILE_H_
#define TWEEDIE_CORE_BASE_FILE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct stat;

namespace tweedie {

// The whole of a regular file. NOT_FOUND, PERMISSION_DENIED, or
// INVALID_ARGUMENT if it is larger than `max_bytes`; messages name the path.
// `*state` (optional) is set to what fstat(2) says of the file that was read.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes,
                                     struct stat* state = nullptr);

// Writes a file so that it is there whole or not at all, also after a power
// cut: temporary name, fsync, rename, fsync of the folder. RESOURCE_EXHAUSTED
// if the disk is full. On error the file is as it was before or as it was to
// become.
absl::Status WriteFileDurably(const std::string& path, absl::string_view bytes);

// Likewise, as a file of that owner, group and mode from the first byte on.
// PERMISSION_DENIED if this process may not make such a file.
struct FileOwner {
  uid_t user = 0;
  gid_t group = 0;
  mode_t mode = 0600;
};
absl::Status WriteFileDurably(const std::string& path, absl::string_view bytes,
                              const FileOwner& owner);

// An error that is about what a file holds: its path before the message.
absl::Status InFile(absl::string_view path, const absl::Status& status);

// The folder that `path` is in: "." if it names none.
std::string FolderOf(const std::string& path);

// Makes what was created, renamed or removed in the folder `path` survive a
// power cut.
absl::Status SyncFolder(const std::string& path);

// The status of a failed system call: `what`, the path, and strerror. ENOENT is
// NOT_FOUND, ENOSPC and EDQUOT are RESOURCE_EXHAUSTED.
absl::Status ErrnoError(int error, absl::string_view what, absl::string_view path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_FILE_H_
