#include "client/cli/exit_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/cli/local_file.h"

namespace tweedie::cli {
namespace {

using ::testing::HasSubstr;

TEST(ExitCodeTest, TellsTheKindOfAFailedCall) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), kOk);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), kUsage);
  EXPECT_EQ(ExitCodeOf(absl::OutOfRangeError("")), kUsage);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), kNotFound);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), kUnavailable);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), kUnavailable);
  EXPECT_EQ(ExitCodeOf(absl::CancelledError("")), kCancelled);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), kPrecondition);
  EXPECT_EQ(ExitCodeOf(absl::AlreadyExistsError("")), kPrecondition);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), kExhausted);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), kUnauthenticated);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), kPermissionDenied);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), kFailed);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), kFailed);
}

TEST(ExitCodeTest, LocalFilesAreToldFromTheServersPreconditions) {
  EXPECT_EQ(ExitCodeOf(LocalFileError("a.png", "no such file")), kLocalFile);
}

TEST(ExitCodeTest, TellsHowAJobEnded) {
  v1::Job job;
  job.set_state(v1::Job::SUCCEEDED);
  EXPECT_EQ(ExitCodeOf(job), kOk);
  job.set_state(v1::Job::CANCELLED);
  EXPECT_EQ(ExitCodeOf(job), kCancelled);
  job.set_state(v1::Job::FAILED);
  EXPECT_EQ(ExitCodeOf(job), kFailed);
}

TEST(ExitCodeTest, HelpTellsEveryCode) {
  for (const int code :
       {kOk, kFailed, kUsage, kNotFound, kUnavailable, kCancelled, kPrecondition, kExhausted,
        kLocalFile, kUnauthenticated, kPermissionDenied, kInterrupted}) {
    EXPECT_THAT(ExitCodesHelp(), HasSubstr(absl::StrCat("\n  ", code, " ")));
  }
}

TEST(DescribeErrorTest, ServerIsNamedWhereItCannotBeReached) {
  EXPECT_EQ(DescribeError(absl::UnavailableError("refused"), "host:1"),
            "no answer from host:1: refused");
  EXPECT_EQ(DescribeError(absl::NotFoundError("no job"), "host:1"), "no job");
  EXPECT_EQ(DescribeError(absl::InternalError(""), "host:1"), "INTERNAL");
}

}  // namespace
}  // namespace tweedie::cli
