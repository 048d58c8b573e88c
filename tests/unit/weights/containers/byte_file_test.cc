#include "core/weights/containers/byte_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class ByteFileTest : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(path_) << "0123456789"; }

  TempFolder folder_;
  const std::string path_ = folder_.File("file");
};

auto IsAborted() { return StatusIs(absl::StatusCode::kAborted, HasSubstr("changed its size")); }

TEST_F(ByteFileTest, ReadsFromAnywhere) {
  ASSERT_OK_AND_ASSIGN(const auto file, OpenByteFile(path_, 10));
  std::string bytes(3, '?');
  ASSERT_OK(file->ReadAt(7, 3, bytes.data()));
  EXPECT_EQ(bytes, "789");
  EXPECT_EQ(file->size(), 10);
  EXPECT_OK(file->CheckSize());
}

TEST_F(ByteFileTest, FileThatGrewOrShrankIsFound) {
  ASSERT_OK_AND_ASSIGN(const auto file, OpenByteFile(path_, 10));
  std::filesystem::resize_file(path_, 11);
  EXPECT_THAT(file->CheckSize(), IsAborted());
  std::filesystem::resize_file(path_, 8);
  std::string bytes(3, '?');
  EXPECT_THAT(file->ReadAt(7, 3, bytes.data()), IsAborted());
}

TEST_F(ByteFileTest, OnlyRegularFilesWithinTheLimitAreOpened) {
  EXPECT_THAT(OpenByteFile(path_, 9),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too large")));
  EXPECT_THAT(OpenByteFile(folder_.path(), 9),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
  EXPECT_THAT(OpenByteFile(folder_.File("none"), 9),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  std::filesystem::create_symlink("file", folder_.File("link"));
  EXPECT_OK(OpenByteFile(folder_.File("link"), 10));
  EXPECT_FALSE(OpenByteFile(folder_.File("link"), 10, /*follow=*/false).ok());
}

}  // namespace
}  // namespace tweedie
