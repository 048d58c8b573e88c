#include "server/auth/identity.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

constexpr size_t kLongestName = 64;

bool IsNameCharacter(unsigned char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '@' || c == '-';
}

bool IsAllowed(Role role, Permission permission) {
  switch (permission) {
    case Permission::kSee:
      return true;
    case Permission::kChange:
      return role != Role::kViewer;
    case Permission::kRelay:
      return role != Role::kUser;
    case Permission::kOperate:
      return role == Role::kOperator;
  }
  return false;
}

absl::string_view Lacks(Permission permission) {
  switch (permission) {
    case Permission::kRelay:
      return "to relay what others watch";
    case Permission::kOperate:
      return "to change how the server works";
    default:
      return "to change jobs";
  }
}

}  // namespace

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kUser:
      return "user";
    case Role::kOperator:
      return "operator";
  }
  return "";
}

absl::StatusOr<Role> ParseRole(absl::string_view name) {
  for (const Role role : {Role::kViewer, Role::kUser, Role::kOperator}) {
    if (name == RoleName(role)) return role;
  }
  return absl::InvalidArgumentError(absl::StrCat("role must be viewer, user or operator; was '",
                                                 absl::Utf8SafeCEscape(name), "'"));
}

absl::Status CheckPermission(const Identity& identity, Permission permission) {
  if (IsAllowed(identity.role, permission)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("the role ", RoleName(identity.role), " of ",
                                                  identity.name, " does not allow ",
                                                  Lacks(permission)));
}

bool MaySee(const Identity& identity, absl::string_view creator) {
  return identity.role != Role::kUser || identity.name == creator;
}

bool IsCreatorName(absl::string_view name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

}  // namespace tweedie
