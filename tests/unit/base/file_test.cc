#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/testing/file_size_limit.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMax = 1 << 20;

class FileTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.File(name); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
  TempFolder folder_;
};

TEST_F(FileTest, WrittenFileIsReadBack) {
  for (const size_t size : {0, 1, 4095, 4096, 4097, 100000}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31);
    ASSERT_OK(WriteFileDurably(Path("f"), bytes));
    ASSERT_OK_AND_ASSIGN(const std::string read, ReadFile(Path("f"), kMax));
    EXPECT_EQ(read, bytes);
  }
  EXPECT_THAT(Names(), ElementsAre("f")) << "nothing temporary is left";
}

TEST_F(FileTest, WriteReplacesTheWholeFile) {
  ASSERT_OK(WriteFileDurably(Path("f"), "a long value"));
  ASSERT_OK(WriteFileDurably(Path("f"), "short"));
  ASSERT_OK_AND_ASSIGN(const std::string read, ReadFile(Path("f"), kMax));
  EXPECT_EQ(read, "short");
}

TEST_F(FileTest, ReadRefusesMoreThanTheLimit) {
  ASSERT_OK(WriteFileDurably(Path("f"), "12345"));
  EXPECT_OK(ReadFile(Path("f"), 5));
  EXPECT_THAT(ReadFile(Path("f"), 4),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(Path("f")), HasSubstr("at most 4 bytes"))));
}

TEST_F(FileTest, LimitHoldsForFilesThatHideTheirSize) {
  // Files of /proc have size 0 and contents.
  ASSERT_OK_AND_ASSIGN(const std::string read, ReadFile("/proc/self/stat", kMax));
  EXPECT_GT(read.size(), 10u);
  EXPECT_THAT(ReadFile("/proc/self/stat", 9),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 9 bytes")));
}

TEST_F(FileTest, MissingFileIsNotFound) {
  EXPECT_THAT(ReadFile(Path("none"), kMax),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("none"))));
}

TEST_F(FileTest, OnlyRegularFilesAreRead) {
  EXPECT_THAT(ReadFile(folder_.path(), kMax),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(Path("pipe"), kMax),  // does not wait for a writer
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
}

TEST_F(FileTest, WriteIntoAMissingFolderIsNotFound) {
  EXPECT_THAT(WriteFileDurably(Path("none/f"), "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/f")));
}

TEST_F(FileTest, FailedRenameLeavesNothingBehind) {
  ASSERT_TRUE(std::filesystem::create_directories(Path("f/inside")));
  EXPECT_FALSE(WriteFileDurably(Path("f"), "x").ok());
  EXPECT_THAT(Names(), ElementsAre("f"));
}

TEST_F(FileTest, FailedWriteLeavesTheOldFile) {
  ASSERT_OK(WriteFileDurably(Path("f"), "old"));
  absl::Status status;
  {
    const FileSizeLimit small(1000);
    status = WriteFileDurably(Path("f"), std::string(5000, 'x'));
  }
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write"));
  EXPECT_THAT(Names(), ElementsAre("f"));
  ASSERT_OK_AND_ASSIGN(const std::string read, ReadFile(Path("f"), kMax));
  EXPECT_EQ(read, "old");
}

TEST_F(FileTest, WhatIsReadIsToldWithItsState) {
  ASSERT_OK(WriteFileDurably(Path("f"), "123", {geteuid(), getegid(), 0640}));
  struct stat state = {};
  ASSERT_OK_AND_ASSIGN(const std::string read, ReadFile(Path("f"), kMax, &state));
  EXPECT_EQ(read, "123");
  EXPECT_EQ(state.st_size, 3);
  EXPECT_EQ(state.st_mode & 07777, 0640u);
}

TEST_F(FileTest, AFileHasTheModeThatIsAskedForWhateverTheUmask) {
  const mode_t before = umask(0);
  ASSERT_OK(WriteFileDurably(Path("f"), "x", {geteuid(), getegid(), 0600}));
  umask(0777);
  ASSERT_OK(WriteFileDurably(Path("g"), "x", {geteuid(), getegid(), 0644}));
  umask(before);
  struct stat state = {};
  ASSERT_EQ(stat(Path("f").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 07777, 0600u);
  ASSERT_EQ(stat(Path("g").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 07777, 0644u);
}

TEST_F(FileTest, SyncFolderNeedsAFolder) {
  EXPECT_OK(SyncFolder(folder_.path()));
  ASSERT_OK(WriteFileDurably(Path("f"), "x"));
  EXPECT_FALSE(SyncFolder(Path("f")).ok());
  EXPECT_THAT(SyncFolder(Path("none")), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST(ErrnoErrorTest, CodesAreThoseThatCallersActOn) {
  EXPECT_THAT(ErrnoError(ENOENT, "cannot open", "/a/b"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("cannot open /a/b"), HasSubstr("No such file"))));
  for (const int full : {ENOSPC, EDQUOT}) {
    EXPECT_EQ(ErrnoError(full, "w", "p").code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(ErrnoError(EACCES, "w", "p").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoError(EIO, "w", "p").code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace tweedie
