#include "server/auth/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

Identity Ada(Role role) { return {"ada", role, {}, "ada", ""}; }

TEST(IdentityTest, WhatEachRoleMayDo) {
  const struct {
    Role role;
    bool change, relay, operate, see_others;
  } rows[] = {{Role::kViewer, false, true, false, true},
              {Role::kUser, true, false, false, false},
              {Role::kOperator, true, true, true, true}};
  for (const auto& row : rows) {
    const Identity ada = Ada(row.role);
    EXPECT_OK(CheckPermission(ada, Permission::kSee));
    EXPECT_EQ(CheckPermission(ada, Permission::kChange).ok(), row.change) << RoleName(row.role);
    EXPECT_EQ(CheckPermission(ada, Permission::kRelay).ok(), row.relay) << RoleName(row.role);
    EXPECT_EQ(CheckPermission(ada, Permission::kOperate).ok(), row.operate) << RoleName(row.role);
    EXPECT_TRUE(MaySee(ada, "ada"));
    EXPECT_EQ(MaySee(ada, "bob"), row.see_others) << RoleName(row.role);
    EXPECT_EQ(MaySee(ada, ""), row.see_others) << RoleName(row.role);
  }
  EXPECT_THAT(CheckPermission(Ada(Role::kViewer), Permission::kChange),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("viewer of ada")));
}

TEST(IdentityTest, RolesHaveNames) {
  for (const Role role : {Role::kViewer, Role::kUser, Role::kOperator}) {
    EXPECT_EQ(ParseRole(RoleName(role)).value(), role);
  }
  for (const char* name : {"", "admin", "User", "user "})
    EXPECT_FALSE(ParseRole(name).ok()) << name;
}

TEST(IdentityTest, NamesOfCreators) {
  for (const char* name : {"a", "Ada.L@lab-1_x"}) EXPECT_TRUE(IsCreatorName(name)) << name;
  EXPECT_TRUE(IsCreatorName(std::string(64, 'a')));
  EXPECT_FALSE(IsCreatorName(std::string(65, 'a')));
  for (const char* name : {"", "a b", "a/b", "ä", "(nobody)"})
    EXPECT_FALSE(IsCreatorName(name)) << name;
}

}  // namespace
}  // namespace tweedie
