#include "client/cli/local_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::HasSubstr;

TEST(LocalFileTest, WhatIsWrittenIsRead) {
  const TempFolder folder;
  const std::string bytes("a\0b\n", 4);
  ASSERT_OK(WriteLocalFile(folder.File("f"), bytes));
  EXPECT_EQ(*ReadLocalFile(folder.File("f")), bytes);
  ASSERT_OK(WriteLocalFile(folder.File("f"), "new"));
  EXPECT_EQ(*ReadLocalFile(folder.File("f")), "new");
}

TEST(LocalFileTest, WritingLeavesNothingElseBehind) {
  const TempFolder folder;
  ASSERT_OK(WriteLocalFile(folder.File("f"), "x"));
  std::filesystem::create_directory(folder.File("folder"));
  EXPECT_TRUE(IsLocalFileError(WriteLocalFile(folder.File("folder"), "x")));
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_THAT(entry.path().filename().string(), ::testing::AnyOf("f", "folder"));
    ++entries;
  }
  EXPECT_EQ(entries, 2);
}

TEST(LocalFileTest, WhatIsNoFileIsRefusedWithoutWaiting) {
  const TempFolder folder;
  ASSERT_EQ(mkfifo(folder.File("pipe").c_str(), 0600), 0);
  for (const std::string& path : {folder.File("pipe"), folder.path()}) {
    const auto bytes = ReadLocalFile(path);
    EXPECT_TRUE(IsLocalFileError(bytes.status())) << bytes.status();
    EXPECT_THAT(bytes.status().message(), HasSubstr(path + ": not a file"));
  }
}

TEST(LocalFileTest, FoldersAreMadeWithThoseAboveThem) {
  const TempFolder folder;
  ASSERT_OK(MakeLocalFolder(folder.File("a/b/c")));
  ASSERT_OK(MakeLocalFolder(folder.File("a/b/c")));
  ASSERT_OK(WriteLocalFile(folder.File("a/file"), "x"));
  EXPECT_TRUE(IsLocalFileError(MakeLocalFolder(folder.File("a/file"))));
}

}  // namespace
}  // namespace tweedie::cli
