#ifndef TWEEDIE_SERVER_AUTH_TOKENS_H_
#define TWEEDIE_SERVER_AUTH_TOKENS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/access_file.h"

namespace tweedie {

// A new token, `tweedie_` and 256 random bits as base64url. A secret: a file of tokens
// holds Sha256Hex() of it. Thread-safe.
absl::StatusOr<std::string> NewToken();

// Changes the entries of the file at `path` by `edit`, under a lock against others that
// do; writes nothing if `edit` fails. The file is there whole or not at all; a new one is
// its owner's alone (0600), an old one keeps its owner, group and mode. `may_be_new`: a
// file that is not there holds no entries; NOT_FOUND otherwise. Errors of
// ReadAccessFile() and ParseAccess() likewise. Blocks.
using AccessEdit = std::function<absl::Status(std::vector<AccessEntry>& entries)>;
absl::Status EditAccessFile(const std::string& path, bool may_be_new, const AccessEdit& edit);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_TOKENS_H_
