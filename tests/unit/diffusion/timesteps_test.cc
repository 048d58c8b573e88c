#include "core/diffusion/timesteps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;

std::vector<int> Kept(Spacing spacing, int k, int n, int offset = 0) {
  return KeptTimesteps({spacing, k, n, offset}).value();
}

TEST(TimestepsTest, LeadingDividesWholeAndMovesTheHighest) {
  EXPECT_THAT(Kept(Spacing::kLeading, 1000, 10),
              ElementsAre(999, 800, 700, 600, 500, 400, 300, 200, 100, 0));
  EXPECT_THAT(Kept(Spacing::kLeading, 10, 4), ElementsAre(9, 4, 2, 0));
}

TEST(TimestepsTest, LeadingAddsTheOffset) {
  EXPECT_THAT(Kept(Spacing::kLeading, 1000, 5, 1), ElementsAre(999, 601, 401, 201, 1));
}

TEST(TimestepsTest, TrailingCountsFromTheEnd) {
  EXPECT_THAT(Kept(Spacing::kTrailing, 1000, 5), ElementsAre(999, 799, 599, 399, 199));
  // 10, 6 2/3, 3 1/3, less one.
  EXPECT_THAT(Kept(Spacing::kTrailing, 10, 3), ElementsAre(9, 6, 2));
}

TEST(TimestepsTest, LinspaceHasBothEnds) {
  EXPECT_THAT(Kept(Spacing::kLinspace, 1000, 4), ElementsAre(999, 666, 333, 0));
}

TEST(TimestepsTest, HalvesGoToEven) {
  // 499.5 and, of 3, 1.5; of 6 by 4: 6, 4.5, 3, 1.5, less one.
  EXPECT_THAT(Kept(Spacing::kLinspace, 1000, 3), ElementsAre(999, 500, 0));
  EXPECT_THAT(Kept(Spacing::kLinspace, 6, 3), ElementsAre(5, 2, 0));
  EXPECT_THAT(Kept(Spacing::kTrailing, 6, 4), ElementsAre(5, 3, 2, 1));
}

TEST(TimestepsTest, OffsetIsOfLeadingAlone) {
  EXPECT_EQ(Kept(Spacing::kTrailing, 1000, 7, 3), Kept(Spacing::kTrailing, 1000, 7));
  EXPECT_EQ(Kept(Spacing::kLinspace, 1000, 7, 3), Kept(Spacing::kLinspace, 1000, 7));
}

TEST(TimestepsTest, EveryNumberOfStepsKeepsThatManyFromTheTop) {
  for (const Spacing spacing : {Spacing::kLeading, Spacing::kTrailing, Spacing::kLinspace}) {
    for (const int k : {1, 2, 31, 301, 1000}) {
      for (int n = 1; n <= k; ++n) {
        ASSERT_OK_AND_ASSIGN(const std::vector<int> kept, KeptTimesteps({spacing, k, n, 0}));
        ASSERT_EQ(kept.size(), static_cast<size_t>(n));
        ASSERT_EQ(kept.front(), k - 1);
        ASSERT_GE(kept.back(), 0);
        for (size_t i = 1; i < kept.size(); ++i) ASSERT_LT(kept[i], kept[i - 1]);
      }
      ASSERT_EQ(Kept(spacing, k, k), Kept(Spacing::kLeading, k, k));
    }
  }
}

TEST(TimestepsTest, NumStepsOutOfRangeIsRefused) {
  for (const int n : {-1, 0, 1001, 5000}) {
    EXPECT_THAT(KeptTimesteps({Spacing::kTrailing, 1000, n, 0}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         absl::StrCat("num_steps must be in [1, 1000]; was ", n)));
  }
}

TEST(TimestepsTest, OffsetThatMakesTimestepsEqualIsRefused) {
  const auto kept = KeptTimesteps({Spacing::kLeading, 1000, 1000, 1});
  EXPECT_EQ(kept.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(kept.status()), "num_steps");
  EXPECT_THAT(KeptTimesteps({Spacing::kLeading, 1000, 999, 1}), IsOk());
  EXPECT_FALSE(KeptTimesteps({Spacing::kLeading, 10, 2, 9}).ok());
}

}  // namespace
}  // namespace tweedie
