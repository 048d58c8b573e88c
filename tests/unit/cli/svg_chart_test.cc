#include "client/cli/evaluation/svg_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(TicksTest, AreRoundAndCoverTheRange) {
  EXPECT_THAT(Ticks(0, 100, 6), ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(Ticks(9.7, 26.3, 6), ElementsAre(5, 10, 15, 20, 25, 30));
  EXPECT_THAT(Ticks(-0.2, 0.1, 3), ElementsAre(DoubleNear(-0.2, 1e-12), DoubleNear(-0.1, 1e-12),
                                               DoubleNear(0, 1e-12), DoubleNear(0.1, 1e-12)));
}

TEST(TicksTest, OneValueGetsARangeAroundIt) {
  const std::vector<double> ticks = Ticks(5, 5, 2);
  EXPECT_LE(ticks.front(), 4.5);
  EXPECT_GE(ticks.back(), 5.5);
}

TEST(LineChartTest, PointsLieWhereTheirValuesAre) {
  // The plot spans x 64 to 560 and y 360 to 40.
  const std::string svg = LineChart({"title", "x", "y"}, {{"one", {{0, 0}, {100, 100}}}});
  EXPECT_THAT(svg, AllOf(HasSubstr("points=\"64.0,360.0 560.0,40.0 \""), HasSubstr(">title<"),
                         HasSubstr(">one<")));
}

TEST(LineChartTest, WhatIsNotFiniteIsLeftOut) {
  const std::string svg = LineChart({}, {{"one", {{0, 0}, {50, kNan}, {100, 100}}}});
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_EQ(LineChart({}, {{"one", {{0, kNan}}}}), "");
  EXPECT_EQ(LineChart({}, {}), "");
}

TEST(BarChartTest, GapsAreLeftAndErrorsAreShown) {
  const std::string svg = BarChart({"t", "", "dB"}, {"a", "b"},
                                   {{"one", {Estimate{20, 1, 4}, std::nullopt}},
                                    {"two", {Estimate{30, 0, 1}, Estimate{25, 2, 4}}}});
  size_t bars = 0;
  for (size_t at = svg.find("<rect"); at != std::string::npos; at = svg.find("<rect", at + 1)) {
    ++bars;
  }
  EXPECT_EQ(bars, 1 + 3 + 2);  // background, bars, legend
  EXPECT_EQ(BarChart({}, {"a"}, {{"one", {std::nullopt}}}), "");
}

}  // namespace
}  // namespace tweedie::cli
