#include "core/weights/containers/read_once.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/sha256.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

// Longer than several chunks, and not a whole number of them.
std::string Sample() {
  std::string bytes((size_t{10} << 20) + 12345, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

ByteRange Range(int64_t begin, int64_t bytes) {
  return {.name = "part", .begin = begin, .bytes = bytes, .crc32 = {}};
}

// A file whose bytes are replaced after the structure was read.
class ChangingFile final : public ByteFile {
 public:
  explicit ChangingFile(std::string bytes) : bytes_(std::move(bytes)) {}
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }
  absl::Status ReadAt(int64_t offset, size_t count, char* out) const override {
    bytes_.copy(out, count, static_cast<size_t>(offset));
    return absl::OkStatus();
  }
  absl::Status CheckSize() const override { return absl::OkStatus(); }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

TEST(ReadOnceTest, CopiesRangesWhereverChunksEnd) {
  const std::string bytes = Sample();
  const MemoryFile file(bytes);
  std::string a(300'000, '?'), b(1, '?'), c(9'000'000, '?'), none;
  const std::vector<ReadTarget> targets = {
      {Range(350'001, 9'000'000), c.data()},
      {Range(10, 300'000), a.data()},
      {Range(300'010, 1), b.data()},
      {Range(static_cast<int64_t>(bytes.size()), 0), none.data()}};
  ASSERT_OK_AND_ASSIGN(const std::string sha256, ReadOnce(file, targets, {}));
  EXPECT_EQ(sha256, Sha256Hex(bytes));
  EXPECT_EQ(a, bytes.substr(10, 300'000));
  EXPECT_EQ(b, bytes.substr(300'010, 1));
  EXPECT_EQ(c, bytes.substr(350'001, 9'000'000));
}

TEST(ReadOnceTest, EmptyFileHasItsDigest) {
  ASSERT_OK_AND_ASSIGN(const std::string sha256, ReadOnce(MemoryFile(""), {}, {}));
  EXPECT_EQ(sha256, Sha256Hex(""));
}

TEST(ReadOnceTest, StructureThatWasChangedSinceIsFound) {
  for (const size_t place : {size_t{0}, size_t{4'000'000}, size_t{4'194'304}, size_t{4'399'999}}) {
    ChangingFile file(Sample());
    StructureReader reader(&file);
    ASSERT_OK(reader.Read(0, 100).status());
    {
      SequentialReader source(&reader, 4'000'000, 5'000'000, 0);
      ASSERT_OK(source.Take(100'001).status());
      ASSERT_OK(source.Take(299'999).status());
    }
    ASSERT_OK(ReadOnce(file, {}, reader.seen()).status());
    file.bytes()[place] ^= 1;
    EXPECT_THAT(ReadOnce(file, {}, reader.seen()),
                StatusIs(absl::StatusCode::kAborted, HasSubstr("changed while it was read")))
        << place;
    file.bytes()[place] ^= 1;
    file.bytes()[4'400'000] ^= 1;  // was not taken
    EXPECT_OK(ReadOnce(file, {}, reader.seen()).status());
  }
}

TEST(ReadOnceTest, WrongCrcNamesTheRange) {
  const std::string bytes = "123456789";
  ByteRange range = Range(0, 9);
  range.crc32 = 0xcbf43926;  // the check value of CRC-32
  EXPECT_OK(ReadOnce(MemoryFile(bytes), {{range, nullptr}}, {}).status());
  range.crc32 = 0xcbf43927;
  EXPECT_THAT(ReadOnce(MemoryFile(bytes), {{range, nullptr}}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("part is damaged")));
}

}  // namespace
}  // namespace tweedie
