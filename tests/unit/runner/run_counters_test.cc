#include "server/runner/run_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr double kBounds[] = {0.5, 1};
constexpr Histogram kHistogram = {"h", kBounds};

TEST(RunCountersTest, ADeclaredHistogramIsEmpty) {
  RunCounters counters;
  counters.Declare(kHistogram);
  EXPECT_THAT(
      counters.Values(),
      UnorderedElementsAre(Pair("h_bucket{le=\"0.5\"}", 0), Pair("h_bucket{le=\"1\"}", 0),
                           Pair("h_bucket{le=\"+Inf\"}", 0), Pair("h_sum", 0), Pair("h_count", 0)));
}

TEST(RunCountersTest, EachValueIsInAllBucketsThatHoldIt) {
  RunCounters counters;
  for (const double value : {0.5, 0.75, 4.0}) counters.Observe(kHistogram, value, "of=\"a\"");
  EXPECT_THAT(counters.Values(),
              UnorderedElementsAre(Pair("h_bucket{of=\"a\",le=\"0.5\"}", 1),
                                   Pair("h_bucket{of=\"a\",le=\"1\"}", 2),
                                   Pair("h_bucket{of=\"a\",le=\"+Inf\"}", 3),
                                   Pair("h_sum{of=\"a\"}", 5.25), Pair("h_count{of=\"a\"}", 3)));
}

TEST(RunCountersTest, DeclaringAgainForgetsNothing) {
  RunCounters counters;
  counters.Observe(kHistogram, 0.75);
  counters.Declare(kHistogram);
  EXPECT_EQ(counters.Values()["h_count"], 1);
}

}  // namespace
}  // namespace tweedie
