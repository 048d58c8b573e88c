#include "core/methods/level_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;

int CountClimbs(const LevelPath& path) {
  return static_cast<int>(path.size() - 1 - EvaluationPlaces(path).size());
}

TEST(LevelPathTest, StepsDownEndAtTheCleanImage) {
  EXPECT_THAT(StepsDown({9, 4, 0}), ElementsAre(9, 4, 0, -1));
  EXPECT_THAT(EvaluationPlaces(StepsDown({9, 4, 0})), ElementsAre(0, 1, 2));
}

TEST(LevelPathTest, RepeatedDescentsClimbFromTheCleanImage) {
  const LevelPath path = RepeatedDescents({9, 4}, 3);
  EXPECT_THAT(path, ElementsAre(9, 4, -1, 9, 4, -1, 9, 4, -1));
  EXPECT_THAT(EvaluationPlaces(path), ElementsAre(0, 1, 3, 4, 6, 7));
}

TEST(LevelPathTest, RepeatedLevelsEndWithOneEstimateMore) {
  const LevelPath path = RepeatedLevels({9, 4}, 3);
  EXPECT_THAT(path, ElementsAre(9, 9, 9, 4, 4, 4, 4, -1));
  EXPECT_EQ(EvaluationPlaces(path).size(), 7);
}

TEST(LevelPathTest, JumpsGoUpFromEveryLengthThTimestep) {
  EXPECT_THAT(Jumps({50, 40, 30, 20, 10, 0}, 2, 2),
              ElementsAre(50, 40, 30, 20, 30, 40, 30, 20, 10, 0, 10, 20, 10, 0, -1));
}

TEST(LevelPathTest, JumpsOfRepaintAreThoseOfThePaper) {
  std::vector<int> kept(250);
  std::iota(kept.rbegin(), kept.rend(), 0);
  const LevelPath path = Jumps(kept, 10, 10);
  EXPECT_EQ(EvaluationPlaces(path).size(), 2410);
  EXPECT_EQ(CountClimbs(path), 2160);
  EXPECT_EQ(path.back(), -1);
}

TEST(LevelPathTest, NoJumpWithoutLengthOrRepeatsOrRoom) {
  for (const LevelPath& path :
       {Jumps({9, 4, 0}, 0, 5), Jumps({9, 4, 0}, 1, 1), Jumps({9, 4, 0}, 3, 5)}) {
    EXPECT_THAT(path, ElementsAre(9, 4, 0, -1));
  }
}

TEST(LevelPathTest, AMillionEvaluationsAreTheMost) {
  EXPECT_OK(CheckEvaluations("num_repeats", 1000, 1e6));
  EXPECT_EQ(FieldOf(CheckEvaluations("num_repeats", 1001, 1001e3)), "num_repeats");
}

}  // namespace
}  // namespace tweedie
