#include "server/tools/archive_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class ArchiveFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(ArchiveWriter writer, ArchiveWriter::Create(path()));
    ASSERT_OK(writer.Add("one", std::string("a\0\nb", 4)));
    ASSERT_OK(writer.Add("two", ""));
    ASSERT_OK(writer.Add(kEndKind, "x"));
    ASSERT_OK(writer.Finish());
  }
  std::string path() const { return folder_.File("file"); }
  std::string Content() const { return *ReadFile(path(), 1 << 20); }
  void Overwrite(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary) << bytes;
  }
  int64_t NumFiles() const {
    return std::distance(std::filesystem::directory_iterator(folder_.path()), {});
  }
  // Reads to the end.
  static absl::Status ReadAll(const std::string& path) {
    ASSIGN_OR_RETURN(ArchiveReader reader, ArchiveReader::Open(path));
    while (true) {
      ASSIGN_OR_RETURN(const ArchiveRecord record, reader.Next());
      if (record.kind == kEndKind) return absl::OkStatus();
    }
  }

  const TempFolder folder_;
};

TEST_F(ArchiveFileTest, RecordsComeBackTwice) {
  ASSERT_OK_AND_ASSIGN(ArchiveReader reader, ArchiveReader::Open(path()));
  for (int pass = 0; pass < 2; ++pass) {
    ASSERT_OK_AND_ASSIGN(ArchiveRecord record, reader.Next());
    EXPECT_EQ(record.kind, "one");
    EXPECT_EQ(record.bytes, std::string("a\0\nb", 4));
    ASSERT_OK_AND_ASSIGN(record, reader.Next());
    EXPECT_EQ(record.kind, "two");
    EXPECT_EQ(record.bytes, "");
    ASSERT_OK_AND_ASSIGN(record, reader.Next());
    EXPECT_EQ(record.kind, kEndKind);
    ASSERT_OK(reader.Rewind());
  }
}

TEST_F(ArchiveFileTest, EveryChangedByteIsFound) {
  const std::string content = Content();
  for (size_t i = 0; i < content.size(); ++i) {
    std::string changed = content;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Overwrite(changed);
    EXPECT_FALSE(ReadAll(path()).ok()) << "byte " << i;
  }
}

TEST_F(ArchiveFileTest, EveryCutIsFoundAndSoIsMore) {
  const std::string content = Content();
  for (size_t size = 0; size < content.size(); ++size) {
    Overwrite(content.substr(0, size));
    EXPECT_FALSE(ReadAll(path()).ok()) << size << " bytes";
  }
  Overwrite(content + "x");
  EXPECT_THAT(ReadAll(path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("more")));
}

TEST_F(ArchiveFileTest, ALengthThatLiesTakesNoMemory) {
  Overwrite("tweedie-queue 1\njob 9000000000000000000\nx");
  EXPECT_THAT(ReadAll(path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("larger than")));
  Overwrite("tweedie-queue 1\njob 60000000\nx");
  EXPECT_THAT(ReadAll(path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("beyond")));
  Overwrite("tweedie-queue 1\njob -5\nx");
  EXPECT_THAT(ReadAll(path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("beyond")));
}

TEST_F(ArchiveFileTest, OtherFilesAreRefused) {
  Overwrite("PNG and so on\n");
  EXPECT_THAT(ReadAll(path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no file of an exported")));
  Overwrite("tweedie-queue 2\n");
  EXPECT_THAT(ReadAll(path()), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("newer")));
  EXPECT_THAT(ReadAll(folder_.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no file")));
  EXPECT_THAT(ReadAll(folder_.File("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST_F(ArchiveFileTest, WhatIsNotFinishedIsNotThere) {
  {
    ASSERT_OK_AND_ASSIGN(ArchiveWriter writer, ArchiveWriter::Create(folder_.File("other")));
    ASSERT_OK(writer.Add("one", "x"));
  }
  EXPECT_EQ(NumFiles(), 1);
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(ArchiveFileTest, NothingIsOverwritten) {
  const std::string content = Content();
  EXPECT_THAT(ArchiveWriter::Create(path()).status(),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(path())));
  EXPECT_EQ(Content(), content);
}

TEST_F(ArchiveFileTest, WhatCameMeanwhileIsNotOverwritten) {
  const std::string other = folder_.File("other");
  {
    ASSERT_OK_AND_ASSIGN(ArchiveWriter writer, ArchiveWriter::Create(other));
    ASSERT_OK(writer.Add(kEndKind, "x"));
    std::ofstream(other) << "mine";
    EXPECT_THAT(writer.Finish(), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(other)));
  }
  EXPECT_EQ(*ReadFile(other, 100), "mine");
  EXPECT_EQ(NumFiles(), 2);
}

TEST_F(ArchiveFileTest, ItsOwnerAloneMayReadIt) {
  EXPECT_EQ(std::filesystem::status(path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(ArchiveFileTest, APathThatCannotBeLookedAtIsNamed) {
  const std::string other = folder_.File(std::string(300, 'x'));
  EXPECT_THAT(ArchiveWriter::Create(other).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cannot look at " + other)));
}

TEST_F(ArchiveFileTest, ARecordIsBounded) {
  ASSERT_OK_AND_ASSIGN(ArchiveReader reader, ArchiveReader::Open(path()));
  EXPECT_THAT(reader.Next(3), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("larger than")));
  ASSERT_OK(reader.Rewind());
  EXPECT_OK(reader.Next(4));
}

}  // namespace
}  // namespace tweedie
