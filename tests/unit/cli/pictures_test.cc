#include "client/cli/pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/statistics.h"
#include "tests/testing/status_matchers.h"

namespace tweedie::cli {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

TEST(PicturesTest, RangeBecomesBytesAndIsClamped) {
  ASSERT_OK_AND_ASSIGN(const Image picture, ToPicture({{1, 1, 5}, {-2, -1, 0.5f, 1, 7}}));
  EXPECT_EQ(picture.width, 5);
  EXPECT_EQ(picture.height, 1);
  EXPECT_THAT(picture.pixels, ElementsAre(0, 0, 191, 255, 255));
}

TEST(PicturesTest, ChannelsAreInterleaved) {
  ASSERT_OK_AND_ASSIGN(const Image picture, ToPicture({{3, 1, 2}, {-1, 1, -1, -1, 1, -1}}));
  EXPECT_THAT(picture.pixels, ElementsAre(0, 0, 255, 255, 0, 0));
}

TEST(PicturesTest, EveryByteComesBack) {
  Image picture{16, 16, 1, 255, {}};
  for (uint16_t v = 0; v < 256; ++v) picture.pixels.push_back(v);
  EXPECT_EQ(ToPicture(ToArray(picture))->pixels, picture.pixels);
}

TEST(PicturesTest, SixteenBitsKeepTheirPrecision) {
  const Array array = ToArray(Image{2, 1, 1, 65535, {0, 65534}});
  EXPECT_THAT(array.values, ElementsAre(-1, FloatNear(1 - 1 / 32767.5f, 1e-7f)));
}

TEST(PicturesTest, OtherShapesHaveNone) {
  EXPECT_THAT(ToPicture({{2, 1, 1}, {0, 0}}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("no picture")));
  EXPECT_FALSE(ToPicture({{1}, {0}}).ok());
}

TEST(PicturesTest, DeviationsHaveOneScale) {
  ASSERT_OK_AND_ASSIGN(const Image picture,
                       ToDeviationPicture({{1, 1, 3}, {0, kWhiteDeviation / 2, 1}}));
  EXPECT_THAT(picture.pixels, ElementsAre(0, 128, 255));
}

TEST(StatisticsTest, MeanAndDeviationAreTakenValueByValue) {
  const std::vector<Array> arrays = {{{2}, {1, 5}}, {{2}, {3, 5}}};
  EXPECT_THAT(MeanOf(arrays).values, ElementsAre(2, 5));
  EXPECT_THAT(DeviationOf(arrays).values, ElementsAre(FloatNear(1.41421356f, 1e-7f), 0));
  EXPECT_THAT(Stack(arrays).shape, ElementsAre(2, 2));
  EXPECT_THAT(Stack(arrays).values, ElementsAre(1, 5, 3, 5));
}

TEST(StatisticsTest, StandardErrorIsOfTheMean) {
  const Estimate estimate = EstimateOf({1, 2, 3, 4});
  EXPECT_EQ(estimate.count, 4);
  EXPECT_THAT(estimate.mean, DoubleNear(2.5, 1e-12));
  EXPECT_THAT(estimate.error, DoubleNear(0.6454972243679028, 1e-12));
  EXPECT_EQ(EstimateOf({7}).error, 0);
  EXPECT_EQ(EstimateOf({}).count, 0);
}

}  // namespace
}  // namespace tweedie::cli
