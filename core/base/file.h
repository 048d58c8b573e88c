#ifndef TWEEDIE_CORE_BASE_FILE_H_
#define TWEEDIE_CORE_BASE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The whole of a regular file. NOT_FOUND, PERMISSION_DENIED, or
// INVALID_ARGUMENT if it is larger than `max_bytes`; messages name the path.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes);

// Writes a file so that it is there whole or not at all, also after a power
// cut: temporary name, fsync, rename, fsync of the folder. RESOURCE_EXHAUSTED
// if the disk is full. On error the file is as it was before or as it was to
// become.
absl::Status WriteFileDurably(const std::string& path, absl::string_view bytes);

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
