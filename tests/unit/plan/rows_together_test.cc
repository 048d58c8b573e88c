#include "core/plan/rows_together.h"

#include <gtest/gtest.h>

namespace tweedie::plan {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

TEST(RowsTogetherTest, LargeWeightsAreReadForSeveralRows) {
  EXPECT_EQ(RowsTogether(136 * kMiB, 7 * kMiB), 4);  // ddpm-cifar10-32
  EXPECT_EQ(RowsTogether(6 * kMiB, kMiB), 2);  // the default model: in the cores' common cache
}

TEST(RowsTogetherTest, WeightsThatStayInACoresCacheAreNot) {
  EXPECT_EQ(RowsTogether(kMiB, kMiB / 8), 1);
}

TEST(RowsTogetherTest, ArenasTakeNoMoreThanTheWeights) {
  EXPECT_EQ(RowsTogether(400 * kMiB, 150 * kMiB), 2);
  EXPECT_EQ(RowsTogether(400 * kMiB, 500 * kMiB), 1);
  EXPECT_EQ(RowsTogether(6 * kMiB, 4 * kMiB), 1);
}

}  // namespace
}  // namespace tweedie::plan
