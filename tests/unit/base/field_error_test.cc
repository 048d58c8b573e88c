#include "core/base/field_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

TEST(FieldErrorTest, MessageBeginsWithTheField) {
  const absl::Status status = FieldError("eta", "must be in [0, 1]; was 2");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "eta must be in [0, 1]; was 2"));
  EXPECT_EQ(FieldOf(status), "eta");
}

TEST(FieldErrorTest, PathGrowsAtItsFront) {
  const absl::Status status =
      InField("job.sample", InField("process", FieldError("eta", "must be in [0, 1]; was 2")));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               "job.sample.process.eta must be in [0, 1]; was 2"));
  EXPECT_EQ(FieldOf(status), "job.sample.process.eta");
}

TEST(FieldErrorTest, OtherStatusesHaveNoFieldAndStayAsTheyAre) {
  for (const absl::Status& status : {absl::OkStatus(), absl::InternalError("broken")}) {
    EXPECT_EQ(FieldOf(status), std::nullopt);
    EXPECT_EQ(InField("job", status), status);
  }
}

}  // namespace
}  // namespace tweedie
