#include "core/base/retry.h"

#include <gtest/gtest.h>

namespace tweedie {
namespace {

TEST(RetryTest, TheDelayIsAtLeastASecondAndWhole) {
  EXPECT_EQ(RetryDelayOf(absl::UnavailableError("x")), std::nullopt);
  EXPECT_EQ(RetryDelayOf(absl::OkStatus()), std::nullopt);
  const absl::Status error = absl::ResourceExhaustedError("x");
  EXPECT_EQ(RetryDelayOf(MayRetry(error)), absl::Seconds(1));
  EXPECT_EQ(RetryDelayOf(MayRetry(error, absl::ZeroDuration())), absl::Seconds(1));
  EXPECT_EQ(RetryDelayOf(MayRetry(error, absl::Seconds(10))), absl::Seconds(10));
  EXPECT_EQ(RetryDelayOf(MayRetry(error, absl::Milliseconds(2001))), absl::Seconds(3));
  EXPECT_EQ(MayRetry(error).code(), error.code());
}

}  // namespace
}  // namespace tweedie
