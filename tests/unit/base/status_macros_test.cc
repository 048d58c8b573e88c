#include "core/base/status_macros.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

absl::Status Forward(const absl::Status& status, bool* reached) {
  RETURN_IF_ERROR(status);
  *reached = true;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, ReturnIfErrorReturnsErrorsOnly) {
  bool reached = false;
  EXPECT_EQ(Forward(absl::InternalError("e"), &reached), absl::InternalError("e"));
  EXPECT_FALSE(reached);
  EXPECT_OK(Forward(absl::OkStatus(), &reached));
  EXPECT_TRUE(reached);
}

absl::StatusOr<int> Unwrap(absl::StatusOr<std::unique_ptr<int>> value) {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> owned, std::move(value));
  return *owned;
}

TEST(StatusMacrosTest, AssignOrReturnMovesTheValue) {
  ASSERT_OK_AND_ASSIGN(const int value, Unwrap(std::make_unique<int>(7)));
  EXPECT_EQ(value, 7);
  EXPECT_THAT(Unwrap(absl::NotFoundError("e")), StatusIs(absl::StatusCode::kNotFound, "e"));
}

}  // namespace
}  // namespace tweedie
