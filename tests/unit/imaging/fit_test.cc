#include "imaging/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie {
namespace {

using ::testing::ElementsAre;

TEST(FitIntoTest, SmallPicturesAreEnlargedByRepeatingPixels) {
  const Image image{2, 1, 1, 255, {10, 20}};
  const Image fitted = FitInto({4, 2, 1}, image);
  EXPECT_THAT(fitted.pixels, ElementsAre(10, 10, 20, 20,  //
                                         10, 10, 20, 20));
}

TEST(FitIntoTest, ShapeIsKeptInTheMiddleOfTheBackground) {
  const Image image{2, 1, 1, 255, {10, 20}};
  EXPECT_THAT(FitInto({2, 3, 1}, image, 7).pixels, ElementsAre(7, 7, 10, 20, 7, 7));
}

TEST(FitIntoTest, LargePicturesLosePixels) {
  const Image image{4, 4, 1, 255, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
  EXPECT_THAT(FitInto({2, 2, 1}, image).pixels, ElementsAre(0, 2, 8, 10));
}

TEST(FitIntoTest, ChannelsBecomeThoseOfTheFrame) {
  EXPECT_THAT(FitInto({1, 1, 3}, Image{1, 1, 1, 255, {9}}).pixels, ElementsAre(9, 9, 9));
  EXPECT_THAT(FitInto({1, 1, 1}, Image{1, 1, 3, 255, {1, 2, 6}}).pixels, ElementsAre(3));
  EXPECT_THAT(FitInto({1, 1, 3}, Image{1, 1, 3, 255, {1, 2, 6}}).pixels, ElementsAre(1, 2, 6));
}

TEST(FitIntoTest, SixteenBitsAreRoundedToEight) {
  const Image fitted = FitInto({3, 1, 1}, Image{3, 1, 1, 65535, {65535, 128, 129}});
  EXPECT_EQ(fitted.max_value, 255);
  EXPECT_THAT(fitted.pixels, ElementsAre(255, 0, 1));
}

}  // namespace
}  // namespace tweedie
