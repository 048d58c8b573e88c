#include "server/http/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tweedie {
namespace {

using ::testing::AnyOf;
using ::testing::StartsWith;

TEST(MetricsTextTest, EachFamilyHasItsKindOnce) {
  EXPECT_EQ(MetricsText({{"tweedie_jobs{state=\"FAILED\"}", 1},
                         {"tweedie_jobs{state=\"QUEUED\"}", 2},
                         {"tweedie_jobs_rescued_total", 0.5}}),
            "# HELP tweedie_jobs Jobs in the store, by state.\n"
            "# TYPE tweedie_jobs gauge\n"
            "tweedie_jobs{state=\"FAILED\"} 1\n"
            "tweedie_jobs{state=\"QUEUED\"} 2\n"
            "# HELP tweedie_jobs_rescued_total Jobs put back because their lease ran out.\n"
            "# TYPE tweedie_jobs_rescued_total counter\n"
            "tweedie_jobs_rescued_total 0.5\n");
}

TEST(MetricsTextTest, BucketsAreInTheOrderOfTheirBoundsBeforeSumAndCount) {
  EXPECT_EQ(MetricsText({{"tweedie_batch_rows_bucket{le=\"+Inf\"}", 3},
                         {"tweedie_batch_rows_bucket{le=\"16\"}", 2},
                         {"tweedie_batch_rows_bucket{le=\"2\"}", 1},
                         {"tweedie_batch_rows_count", 3},
                         {"tweedie_batch_rows_sum", 30}}),
            "# HELP tweedie_batch_rows Rows of one network call.\n"
            "# TYPE tweedie_batch_rows histogram\n"
            "tweedie_batch_rows_bucket{le=\"2\"} 1\n"
            "tweedie_batch_rows_bucket{le=\"16\"} 2\n"
            "tweedie_batch_rows_bucket{le=\"+Inf\"} 3\n"
            "tweedie_batch_rows_count 3\n"
            "tweedie_batch_rows_sum 30\n");
}

TEST(MetricsTextTest, HistogramsOfOneFamilyStayTogetherByTheirLabels) {
  EXPECT_EQ(MetricsText({{"tweedie_step_seconds_bucket{rows=\"1\",le=\"+Inf\"}", 1},
                         {"tweedie_step_seconds_bucket{rows=\"2\",le=\"+Inf\"}", 2},
                         {"tweedie_step_seconds_count{rows=\"1\"}", 1},
                         {"tweedie_step_seconds_count{rows=\"2\"}", 2}}),
            "# HELP tweedie_step_seconds Time of an engine step, by the rows of its call.\n"
            "# TYPE tweedie_step_seconds histogram\n"
            "tweedie_step_seconds_bucket{rows=\"1\",le=\"+Inf\"} 1\n"
            "tweedie_step_seconds_count{rows=\"1\"} 1\n"
            "tweedie_step_seconds_bucket{rows=\"2\",le=\"+Inf\"} 2\n"
            "tweedie_step_seconds_count{rows=\"2\"} 2\n");
}

TEST(MetricsTextTest, AnUnknownNameIsShownWithoutAKind) {
  EXPECT_EQ(MetricsText({{"tweedie_new_total", 1}}), "tweedie_new_total 1\n");
}

TEST(MetricsTextTest, CountersAloneEndInTotal) {
  std::set<absl::string_view> names;
  for (const MetricFamily& family : MetricFamilies()) {
    const bool total =
        family.name.size() > 6 && family.name.substr(family.name.size() - 6) == "_total";
    EXPECT_EQ(total, family.kind == "counter") << family.name;
    // Ours, or what Prometheus' own clients tell of a process.
    EXPECT_THAT(std::string(family.name), AnyOf(StartsWith("tweedie_"), StartsWith("process_")));
    EXPECT_TRUE(names.insert(family.name).second) << family.name << " is there twice";
  }
}

}  // namespace
}  // namespace tweedie
