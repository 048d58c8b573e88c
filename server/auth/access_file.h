#ifndef TWEEDIE_SERVER_AUTH_ACCESS_FILE_H_
#define TWEEDIE_SERVER_AUTH_ACCESS_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/auth/identity.h"

namespace tweedie {

// One entry of the file of --tokens-file: who somebody is that shows a token, or a
// certificate. Exactly one of the two is set.
struct AccessEntry {
  std::string name;
  Role role = Role::kUser;
  std::string token_sha256;  // of the whole token; 64 of [0-9a-f]
  std::string certificate;   // common name of a client certificate
  absl::Time expires = absl::InfiniteFuture();
  IdentityLimits limits;
};

// Reads the text of a file,
//   {"entries": [{"name": "ada", "role": "user", "token_sha256": "..."}, ...]}
// with the keys of AccessEntry and IdentityLimits; `expires` as RFC 3339. At most
// 10,000 entries. INVALID_ARGUMENT names the entry and the key, and never shows what
// could be a secret.
absl::StatusOr<std::vector<AccessEntry>> ParseAccess(absl::string_view text);

// The text that ParseAccess() reads.
std::string FormatAccess(const std::vector<AccessEntry>& entries);

// The text of a file that nobody may write but this process's user and root:
// FAILED_PRECONDITION if others may. Errors of ReadFile().
absl::StatusOr<std::string> ReadAccessFile(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_ACCESS_FILE_H_
