#include "imaging/contact_sheet.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/unit/imaging/test_files.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Image Dot(uint16_t value, int max_value = 255) { return Image{1, 1, 1, max_value, {value}}; }

TEST(ContactSheetTest, ImagesGoInRowsWithPaddingAround) {
  ASSERT_OK_AND_ASSIGN(const Image sheet,
                       MakeContactSheet({Dot(1), Dot(2), Dot(3)},
                                        {.columns = 2, .scale = 1, .padding = 1, .background = 9}));
  EXPECT_EQ(sheet.width, 5);
  EXPECT_EQ(sheet.height, 5);
  EXPECT_THAT(sheet.pixels, ElementsAre(9, 9, 9, 9, 9,  //
                                        9, 1, 9, 2, 9,  //
                                        9, 9, 9, 9, 9,  //
                                        9, 3, 9, 9, 9,  //
                                        9, 9, 9, 9, 9));
}

TEST(ContactSheetTest, PixelsAreRepeatedByTheScale) {
  const Image image{2, 1, 3, 255, {1, 2, 3, 4, 5, 6}};
  ASSERT_OK_AND_ASSIGN(const Image sheet, MakeContactSheet({image}, {.scale = 2, .padding = 0}));
  EXPECT_EQ(sheet.width, 4);
  EXPECT_EQ(sheet.height, 2);
  EXPECT_EQ(sheet.channels, 3);
  EXPECT_THAT(sheet.pixels, ElementsAre(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6,  //
                                        1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
}

TEST(ContactSheetTest, SixteenBitsAreRoundedToEight) {
  ASSERT_OK_AND_ASSIGN(const Image sheet,
                       MakeContactSheet({Dot(65535, 65535), Dot(128, 65535), Dot(129, 65535)},
                                        {.columns = 3, .scale = 1, .padding = 0}));
  EXPECT_EQ(sheet.max_value, 255);
  EXPECT_THAT(sheet.pixels, ElementsAre(255, 0, 1));
}

TEST(ContactSheetTest, SheetIsNearlySquareByDefault) {
  ASSERT_OK_AND_ASSIGN(const Image sheet, MakeContactSheet(std::vector<Image>(16, Dot(1)),
                                                           {.scale = 1, .padding = 0}));
  EXPECT_EQ(sheet.width, 4);
  EXPECT_EQ(sheet.height, 4);
}

TEST(ContactSheetTest, SmallImagesAreMadeVisible) {
  EXPECT_EQ(ViewScale(32, 32), 4);
  EXPECT_EQ(ViewScale(32, 64), 2);
  EXPECT_EQ(ViewScale(256, 256), 1);
}

TEST(ContactSheetTest, UnlikeImagesAreRefused) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(MakeContactSheet({}), StatusIs(invalid, HasSubstr("no images")));
  EXPECT_THAT(MakeContactSheet({Dot(1), MakeGradient(2, 1, 1)}),
              StatusIs(invalid, HasSubstr("1 x 1 x 1 and 2 x 1 x 1")));
  EXPECT_THAT(MakeContactSheet({Image{3, 3, 1, 255, {}}}), StatusIs(invalid, HasSubstr("alike")));
  EXPECT_THAT(MakeContactSheet({Dot(1)}, {.scale = 40000}),
              StatusIs(invalid, HasSubstr("too large")));
}

}  // namespace
}  // namespace tweedie
