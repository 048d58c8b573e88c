#include "core/base/failpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/time/clock.h"
#include "core/base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

class FailpointTest : public testing::Test {
 protected:
  ~FailpointTest() override { DisarmFailpoints(); }
};

TEST_F(FailpointTest, WhatIsNotArmedDoesNothing) {
  EXPECT_OK(HitFailpoint("claim.before"));
  ASSERT_OK(ArmFailpoints("claim.after=error"));
  EXPECT_OK(HitFailpoint("claim.before"));
}

TEST_F(FailpointTest, OnlyTheNthHitFails) {
  ASSERT_OK(ArmFailpoints("claim.before=error@2"));
  EXPECT_OK(HitFailpoint("claim.before"));
  EXPECT_THAT(HitFailpoint("claim.before"), StatusIs(absl::StatusCode::kUnavailable, _));
  EXPECT_OK(HitFailpoint("claim.before"));
}

TEST_F(FailpointTest, EveryHitFailsUntilItIsDisarmed) {
  ASSERT_OK(ArmFailpoints("claim.before=full@0"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(HitFailpoint("claim.before"), StatusIs(absl::StatusCode::kResourceExhausted, _));
  }
  DisarmFailpoints();
  EXPECT_OK(HitFailpoint("claim.before"));
}

TEST_F(FailpointTest, AShareOfTheHitsFails) {
  ASSERT_OK(ArmFailpoints("claim.before=error@30%"));
  int failed = 0;
  for (int i = 0; i < 1000; ++i) failed += HitFailpoint("claim.before").ok() ? 0 : 1;
  EXPECT_NEAR(failed, 300, 60);  // four standard deviations
  EXPECT_THAT(ArmFailpoints("claim.before=error@0%"),
              StatusIs(absl::StatusCode::kInvalidArgument, _));
}

TEST_F(FailpointTest, DetailsAreToldApart) {
  ASSERT_OK(ArmFailpoints("engine.step(poison)=error@0; claim.before=error"));
  EXPECT_OK(HitFailpoint("engine.step", "fine"));
  EXPECT_OK(HitFailpoint("engine.step"));
  EXPECT_FALSE(HitFailpoint("engine.step", "poison").ok());
  EXPECT_FALSE(HitFailpoint("claim.before", "any").ok());
}

TEST_F(FailpointTest, DelayWaits) {
  ASSERT_OK(ArmFailpoints("claim.before=delay:20ms"));
  const absl::Time start = absl::Now();
  EXPECT_OK(HitFailpoint("claim.before"));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(20));
}

TEST_F(FailpointTest, CrashEndsTheProcess) {
  ASSERT_OK(ArmFailpoints("claim.before=crash"));
  EXPECT_EXIT(HitFailpoint("claim.before").IgnoreError(),
              testing::ExitedWithCode(kFailpointExitCode), "");
}

TEST_F(FailpointTest, MalformedOnesAreRefused) {
  for (const char* text :
       {"claim.before", "claim.before=", "claim.before=burn", "claim.before=delay:long",
        "claim.before=error@x", "claim.before=error@-1", "engine.step(a=error", "=crash"}) {
    EXPECT_THAT(ArmFailpoints(text), StatusIs(absl::StatusCode::kInvalidArgument, _)) << text;
  }
  EXPECT_THAT(ArmFailpoints("claim.elsewhere=error"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("claim.elsewhere")));
}

TEST_F(FailpointTest, TheEnvironmentArms) {
  setenv("TWEEDIE_FAILPOINTS", "claim.before=error", 1);
  EXPECT_OK(ArmFailpointsFromEnvironment());
  unsetenv("TWEEDIE_FAILPOINTS");
  EXPECT_FALSE(HitFailpoint("claim.before").ok());
}

// What a crash between write and rename leaves is no file of that name.
TEST_F(FailpointTest, AFileIsThereWholeOrNotAtAllWhereverItsWritingFails) {
  for (const char* point : {"file.write", "file.rename", "file.sync"}) {
    const TempFolder folder;
    const std::string path = folder.File("blob");
    ASSERT_OK(WriteFileDurably(path, "old"));
    ASSERT_OK(ArmFailpoints(std::string(point) + "=full"));
    EXPECT_THAT(WriteFileDurably(path, "new"), StatusIs(absl::StatusCode::kResourceExhausted, _));
    const auto bytes = ReadFile(path, 100);
    ASSERT_OK(bytes.status());
    EXPECT_EQ(*bytes, std::string(point) == "file.sync" ? "new" : "old");
    DisarmFailpoints();
  }
}

}  // namespace
}  // namespace tweedie
