#ifndef TWEEDIE_SERVER_AUTH_IDENTITY_H_
#define TWEEDIE_SERVER_AUTH_IDENTITY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// What somebody may do: a viewer sees all jobs and changes none, a user sees and
// changes their own, an operator all.
enum class Role { kViewer, kUser, kOperator };

absl::string_view RoleName(Role role);  // `viewer`, ...
// INVALID_ARGUMENT that lists the names.
absl::StatusOr<Role> ParseRole(absl::string_view name);

// Bounds of the queued jobs of one creator, beside the server's own; at least 1.
struct IdentityLimits {
  std::optional<int64_t> max_queued_jobs;
  std::optional<int64_t> max_queued_mebibytes;
};

// Who makes a call.
struct Identity {
  std::string name;
  Role role = Role::kUser;
  IdentityLimits limits;
  // Whose jobs the call makes: `name`, unless an operator acts for another.
  std::string creator;
  // What proved it, for Authenticator::Confirm(); empty where nothing can be
  // withdrawn. Not to be shown.
  std::string credential;
};

// What a call needs.
enum class Permission { kSee, kChange, kRelay, kOperate };

// PERMISSION_DENIED, saying what the role lacks.
absl::Status CheckPermission(const Identity& identity, Permission permission);

// Whether jobs of `creator` are there for `identity`.
bool MaySee(const Identity& identity, absl::string_view creator);

// Whether `name` may be that of a creator: 1 to 64 of [A-Za-z0-9_.@-].
bool IsCreatorName(absl::string_view name);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_IDENTITY_H_
