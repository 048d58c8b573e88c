#include "client/cli/text.h"

#include <gtest/gtest.h>

#include <limits>

#include "client/cli/names.h"

namespace tweedie::cli {
namespace {

TEST(FormatTableTest, ColumnsAreAlignedAndLinesHaveNoTrailingSpaces) {
  EXPECT_EQ(FormatTable({{"NAME", "STATE"}, {"a", "running"}, {"longer", "x"}}),
            "NAME    STATE\n"
            "a       running\n"
            "longer  x");
}

TEST(FormatTableTest, RowsMayDifferInLength) {
  EXPECT_EQ(FormatTable({{"a"}, {"b", "c"}}), "a\nb  c");
  EXPECT_EQ(FormatTable({}), "");
}

TEST(FormatTableTest, CellsNeitherBreakLinesNorCommandTheTerminal) {
  EXPECT_EQ(FormatTable({{"a\nb", "c"}, {"\x1b[2J", "d"}}),
            "a\\x0ab   c\n"
            "\\x1b[2J  d");
}

TEST(FormatClockTest, HoursAppearOnlyWhereThereAreAny) {
  EXPECT_EQ(FormatClock(absl::ZeroDuration()), "0:00");
  EXPECT_EQ(FormatClock(absl::Seconds(59)), "0:59");
  EXPECT_EQ(FormatClock(absl::Seconds(123)), "2:03");
  EXPECT_EQ(FormatClock(absl::Seconds(3723)), "1:02:03");
}

TEST(FormatClockTest, IsRoundedAndNeverNegative) {
  EXPECT_EQ(FormatClock(absl::Milliseconds(59'600)), "1:00");
  EXPECT_EQ(FormatClock(absl::Milliseconds(59'400)), "0:59");
  EXPECT_EQ(FormatClock(absl::Seconds(-5)), "0:00");
}

TEST(FormatRateTest, HasThreeSignificantDigits) {
  EXPECT_EQ(FormatRate(0.4242), "0.424");
  EXPECT_EQ(FormatRate(29.84), "29.8");
  EXPECT_EQ(FormatRate(1510.4), "1510");
  EXPECT_EQ(FormatRate(0.00012345), "0.000123");
}

TEST(FormatRateTest, WhatIsNoRateIsZero) {
  EXPECT_EQ(FormatRate(0), "0");
  EXPECT_EQ(FormatRate(-1), "0");
  EXPECT_EQ(FormatRate(std::numeric_limits<double>::infinity()), "0");
}

TEST(FormatTimestampTest, UnsetIsADash) {
  EXPECT_EQ(FormatTimestamp({}), "-");
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(1'700'000'000);
  EXPECT_EQ(FormatTimestamp(timestamp).size(), std::string("2026-01-31 12:34:56").size());
}

TEST(TimeTest, NanosecondsAreKept) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(1);
  timestamp.set_nanos(500'000'000);
  EXPECT_EQ(ToTime(timestamp), absl::FromUnixMillis(1500));
  google::protobuf::Duration duration;
  duration.set_seconds(2);
  duration.set_nanos(250'000'000);
  EXPECT_EQ(ToDuration(duration), absl::Milliseconds(2250));
}

TEST(NamesTest, CollectionIsAddedOnce) {
  EXPECT_EQ(JobName("abc"), "jobs/abc");
  EXPECT_EQ(JobName("jobs/abc"), "jobs/abc");
  EXPECT_EQ(ModelName("m"), "models/m");
  EXPECT_EQ(ModelName("models/m"), "models/m");
}

}  // namespace
}  // namespace tweedie::cli
