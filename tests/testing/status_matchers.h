#ifndef TWEEDIE_TESTS_TESTING_STATUS_MATCHERS_H_
#define TWEEDIE_TESTS_TESTING_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tweedie {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// The code, and a matcher of the message.
MATCHER_P2(StatusIs, code, message, "has that code and message") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::SafeMatcherCast<std::string>(message).Matches(std::string(status.message()));
}

#define ASSERT_OK(expression) ASSERT_THAT(expression, ::tweedie::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::tweedie::IsOk())

// Assigns the value of a StatusOr to `lhs`, or fails the test and returns.
#define ASSERT_OK_AND_ASSIGN(lhs, expression) \
  TWEEDIE_ASSERT_OK_AND_ASSIGN_(TWEEDIE_TEST_CONCAT_(test_status_or_, __LINE__), lhs, expression)
#define TWEEDIE_TEST_CONCAT_INNER_(a, b) a##b
#define TWEEDIE_TEST_CONCAT_(a, b) TWEEDIE_TEST_CONCAT_INNER_(a, b)
#define TWEEDIE_ASSERT_OK_AND_ASSIGN_(result, lhs, expression) \
  auto result = (expression);                                  \
  ASSERT_THAT(result, ::tweedie::IsOk());                      \
  lhs = std::move(result).value()

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_STATUS_MATCHERS_H_
