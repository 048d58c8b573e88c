#include "client/cli/image_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "client/cli/local_file.h"
#include "imaging/image.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ImageFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_.File(name), std::ios::binary) << bytes;
    return folder_.File(name);
  }
  static std::string Png() { return EncodePng(Image{2, 1, 1, 255, {0, 255}}); }

  const TempFolder folder_;
};

TEST_F(ImageFilesTest, FolderStandsForItsImagesByName) {
  const std::string b = Write("b.PNG", "");
  const std::string a = Write("a.jpeg", "");
  Write("notes.txt", "");
  std::filesystem::create_directory(folder_.File("c.png"));
  EXPECT_THAT(*FindImageFiles({folder_.path()}), ElementsAre(a, b));
}

TEST_F(ImageFilesTest, FilesKeepTheOrderOfTheCommandLine) {
  EXPECT_THAT(*FindImageFiles({"z.png", "a.png", "no_extension"}),
              ElementsAre("z.png", "a.png", "no_extension"));
  EXPECT_THAT(*FindImageFiles({}), IsEmpty());
}

TEST_F(ImageFilesTest, FolderWithoutImagesIsAnError) {
  const auto found = FindImageFiles({folder_.path()});
  EXPECT_TRUE(IsLocalFileError(found.status())) << found.status();
  EXPECT_THAT(found.status().message(), HasSubstr(folder_.path()));
}

TEST_F(ImageFilesTest, FilesAreSentAsTheyAre) {
  const std::string path = Write("a.png", Png());
  ASSERT_OK_AND_ASSIGN(const v1::Images images, ReadImages({path, path}));
  EXPECT_THAT(images.encoded().files(), ElementsAre(Png(), Png()));
}

TEST_F(ImageFilesTest, FileThatIsNoImageIsNamed) {
  const std::string good = Write("good.png", Png());
  const std::string cut = Write("cut.png", Png().substr(0, 40));
  const auto images = ReadImages({good, cut});
  EXPECT_TRUE(IsLocalFileError(images.status())) << images.status();
  EXPECT_THAT(images, StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr(cut + ": "), HasSubstr("malformed"))));
}

TEST_F(ImageFilesTest, PicturesBecomeOneArrayInTheRangeOfImages) {
  const std::string path = Write("a.png", Png());
  ASSERT_OK_AND_ASSIGN(const Array array, ReadPictures({path, path}));
  EXPECT_THAT(array.shape, ElementsAre(2, 1, 1, 2));
  EXPECT_THAT(array.values, ElementsAre(-1, 1, -1, 1));
}

TEST_F(ImageFilesTest, PictureThatDiffersFromTheFirstIsNamed) {
  const std::string path = Write("a.png", Png());
  const std::string other = Write("b.png", EncodePng(Image{1, 1, 1, 255, {0}}));
  EXPECT_THAT(ReadPictures({path, other}).status().message(), HasSubstr(other + ": its size"));
}

TEST_F(ImageFilesTest, MissingFileIsNamed) {
  EXPECT_THAT(ReadImages({folder_.File("none.png")}).status().message(),
              HasSubstr(folder_.File("none.png") + ": No such file"));
}

}  // namespace
}  // namespace tweedie::cli
