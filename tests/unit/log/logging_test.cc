#include "server/log/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/log/captured_log.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class LoggingTest : public ::testing::Test {
 protected:
  CapturedLog log_{LogFormat::kText};
};

TEST_F(LoggingTest, EveryLevelCanBeSetAndHolds) {
  for (const char* level : kLogLevels) {
    EXPECT_TRUE(SetLogLevel(level).has_value()) << level;
    EXPECT_EQ(LogLevelName(), level);
  }
  EXPECT_TRUE(spdlog::should_log(spdlog::level::err));
  EXPECT_FALSE(spdlog::should_log(spdlog::level::warn));
  EXPECT_EQ(SetLogLevel("warning"), "error");
  EXPECT_TRUE(spdlog::should_log(spdlog::level::warn));
  EXPECT_FALSE(spdlog::should_log(spdlog::level::info));
}

TEST_F(LoggingTest, UnknownLevelsChangeNothing) {
  SetLogLevel("debug");
  for (const char* level : {"", "Debug", "warn", "err", "critical", "off", "info "}) {
    EXPECT_FALSE(SetLogLevel(level).has_value()) << level;
    EXPECT_EQ(LogLevelName(), "debug");
  }
}

TEST_F(LoggingTest, StepsEndAtTheEnds) {
  SetLogLevel("info");
  StepLogLevel(/*more=*/true);
  EXPECT_EQ(LogLevelName(), "debug");
  StepLogLevel(/*more=*/true);
  StepLogLevel(/*more=*/true);
  EXPECT_EQ(LogLevelName(), "trace");
  for (int i = 0; i < 4; ++i) StepLogLevel(/*more=*/false);
  EXPECT_EQ(LogLevelName(), "error");
  StepLogLevel(/*more=*/false);
  EXPECT_EQ(LogLevelName(), "error");
}

TEST_F(LoggingTest, AChangeIsSaidAlsoWhereItLowersTheLevel) {
  SetLogLevel("info");
  log_.Take();
  SetLogLevel("error");
  EXPECT_THAT(log_.Take(), HasSubstr("info log level error, was info"));
  SetLogLevel("warning");
  EXPECT_THAT(log_.Take(), HasSubstr("warning log level warning, was error"));
  SetLogLevel("warning");
  EXPECT_EQ(log_.Take(), "");
}

}  // namespace
}  // namespace tweedie
