#include "core/methods/failure.h"

#include <gtest/gtest.h>

#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

TEST(FailureTest, ReasonTravelsBesideTheMessage) {
  const absl::Status status = WithReason(absl::ResourceExhaustedError("no room"), "OUT_OF_MEMORY");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, "no room"));
  EXPECT_EQ(ReasonOf(status), "OUT_OF_MEMORY");
}

TEST(FailureTest, LaterReasonReplacesTheEarlier) {
  EXPECT_EQ(ReasonOf(WithReason(Diverged("x is not finite"), "STALLED")), "STALLED");
}

TEST(FailureTest, DivergedSaysSo) {
  EXPECT_THAT(Diverged("x is not finite"),
              StatusIs(absl::StatusCode::kInternal, "x is not finite"));
  EXPECT_EQ(ReasonOf(Diverged("")), "DIVERGED");
}

TEST(FailureTest, OtherErrorsHaveNoReason) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), std::nullopt);
  EXPECT_EQ(ReasonOf(FieldError("eta", "is odd")), std::nullopt);
  EXPECT_EQ(ReasonOf(absl::OkStatus()), std::nullopt);
}

}  // namespace
}  // namespace tweedie
