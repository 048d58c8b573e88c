#ifndef TWEEDIE_CLIENT_CLI_LOCAL_FILE_H_
#define TWEEDIE_CLIENT_CLI_LOCAL_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie::cli {

// An error about a file of this machine, told apart from the server's errors by
// IsLocalFileError(). The message is "`path`: `problem`".
absl::Status LocalFileError(absl::string_view path, absl::string_view problem);
bool IsLocalFileError(const absl::Status& status);

// The whole of a file of at most 64 MiB.
absl::StatusOr<std::string> ReadLocalFile(const std::string& path);

// Writes a file under a temporary name beside `path`, then renames it: readers
// see the old file or the new one, never a part.
absl::Status WriteLocalFile(const std::string& path, absl::string_view bytes);

// Makes the folder and those above it, where they are missing.
absl::Status MakeLocalFolder(const std::string& path);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_LOCAL_FILE_H_
