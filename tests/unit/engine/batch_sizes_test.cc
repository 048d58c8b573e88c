#include "core/engine/batch_sizes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::_;

// Times by `seconds` of 1, 2, 4, 8 and 16 rows.
CostCurve Curve(const std::function<double(int64_t)>& seconds) {
  CostCurve curve;
  for (int64_t rows = 1; rows <= 16; rows *= 2) curve.push_back({rows, seconds(rows)});
  return curve;
}

BatchSizes Sizes(const CostCurve& plain, const CostCurve& gradient) {
  return BatchSizes::Make(plain, gradient).value();
}
BatchSizes Sizes(const CostCurve& curve) { return Sizes(curve, curve); }

// Each row for itself on so many cores; a row alone is sped up a little by all of them.
CostCurve RowsOnCores(int cores) {
  return Curve(
      [=](int64_t rows) { return rows == 1 ? 0.7 : std::ceil(static_cast<double>(rows) / cores); });
}
// As a GPU's: a call costs something, a row hardly anything.
CostCurve MostlyOverhead() {
  return Curve([](int64_t rows) { return 3 + 0.01 * static_cast<double>(rows); });
}

TEST(BatchSizesTest, RowsThatShareNothingGoInTheSmallestCallThatUsesAllCores) {
  EXPECT_EQ(Sizes(RowsOnCores(2)).MaxRows(false, 0), 2);
  EXPECT_EQ(Sizes(RowsOnCores(4)).MaxRows(false, 0), 4);
  EXPECT_EQ(Sizes(RowsOnCores(1)).MaxRows(false, 0), 1);
}

TEST(BatchSizesTest, RowsThatShareACostGoTogether) {
  EXPECT_EQ(Sizes(MostlyOverhead()).MaxRows(false, 0), 16);
}

TEST(BatchSizesTest, AFewPercentAreNotWorthALongerCall) {
  const auto gains = [](double share) {
    return Curve(
        [share](int64_t rows) { return static_cast<double>(rows) * (rows == 1 ? 1 : 1 - share); });
  };
  EXPECT_EQ(Sizes(gains(0.02)).MaxRows(false, 0), 1);
  EXPECT_EQ(Sizes(gains(0.1)).MaxRows(false, 0), 2);
}

TEST(BatchSizesTest, OfShortCallsThatAreAsGoodTheLongestIsBest) {
  const auto rows_of = [](double seconds) {
    return Curve([seconds](int64_t rows) {
      return static_cast<double>(rows) * seconds * (rows == 4 ? 1 : rows == 1 ? 1.4 : 1.02);
    });
  };
  EXPECT_EQ(Sizes(rows_of(0.003)).MaxRows(false, 0), 16);
  EXPECT_EQ(Sizes(rows_of(0.010)).MaxRows(false, 0), 8);
  EXPECT_EQ(Sizes(rows_of(0.045)).MaxRows(false, 0), 2);
  EXPECT_EQ(Sizes(rows_of(0.500)).MaxRows(false, 0), 2);
  EXPECT_EQ(Sizes(rows_of(0.003)).MaxRows(false, 8), 8) << "an urgent job's own rows";
}

TEST(BatchSizesTest, AnUrgentRowHasNoCompanyThatMakesItWait) {
  EXPECT_EQ(Sizes(RowsOnCores(2)).MaxRows(false, 1), 1);
  EXPECT_EQ(Sizes(RowsOnCores(4)).MaxRows(false, 3), 4);
}

TEST(BatchSizesTest, CompanyThatCostsAnUrgentJobLittleIsTaken) {
  EXPECT_EQ(Sizes(MostlyOverhead()).MaxRows(false, 1), 16);
}

TEST(BatchSizesTest, AnUrgentJobOfManyRowsGoesInCallsOfTheBestSize) {
  EXPECT_EQ(Sizes(RowsOnCores(2)).MaxRows(false, 64), 2);
}

TEST(BatchSizesTest, RowsWithGradientsHaveTheirOwnCurveAndCost) {
  const auto dear = Curve([](int64_t rows) { return 2.5 * static_cast<double>(rows); });
  const BatchSizes sizes = Sizes(RowsOnCores(4), dear);
  EXPECT_EQ(sizes.MaxRows(false, 0), 4);
  EXPECT_EQ(sizes.MaxRows(true, 0), 1);
  EXPECT_DOUBLE_EQ(sizes.gradient_row_cost(), 10);  // 2.5 against a quarter
}

TEST(BatchSizesTest, ARowIsNeverDearerThanAlone) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> factor(0.3, 3);
  for (int i = 0; i < 2000; ++i) {
    const CostCurve curve =
        Curve([&](int64_t rows) { return static_cast<double>(rows) * factor(random); });
    const BatchSizes sizes = Sizes(curve);
    for (const int64_t urgent : {0, 1, 3, 8, 100}) {
      const int64_t rows = sizes.MaxRows(false, urgent);
      const auto is_chosen = [rows](const CallCost& cost) { return cost.rows == rows; };
      const auto chosen = std::find_if(curve.begin(), curve.end(), is_chosen);
      ASSERT_NE(chosen, curve.end());
      EXPECT_LE(chosen->seconds / static_cast<double>(rows), curve[0].seconds);
    }
  }
}

TEST(BatchSizesTest, CurvesThatCannotBeAreRefused) {
  const CostCurve good = {{1, 1}};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const CostCurve& bad : {CostCurve{},
                               {{2, 1}},
                               {{1, 1}, {1, 2}},
                               {{1, 0}},
                               {{1, nan}},
                               {{1, -1}},
                               {{1, std::numeric_limits<double>::infinity()}}}) {
    EXPECT_THAT(BatchSizes::Make(bad, good), StatusIs(absl::StatusCode::kInvalidArgument, _));
    EXPECT_THAT(BatchSizes::Make(good, bad), StatusIs(absl::StatusCode::kInvalidArgument, _));
  }
  EXPECT_OK(BatchSizes::Make(good, good));
}

}  // namespace
}  // namespace tweedie
