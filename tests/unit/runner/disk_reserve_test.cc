#include "server/runner/disk_reserve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::_;

constexpr int64_t kBytes = 1 << 20;

class DiskReserveTest : public testing::Test {
 protected:
  bool FileIsThere() const { return std::filesystem::exists(path_); }

  const TempFolder folder_;
  const std::string path_ = folder_.File("reserve");
};

TEST_F(DiskReserveTest, TakesItsRoomOnTheDisk) {
  DiskReserve reserve(path_, kBytes);
  EXPECT_FALSE(reserve.held());
  ASSERT_OK(reserve.Restore());
  EXPECT_TRUE(reserve.held());
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, kBytes) << "a file with holes reserves nothing";
}

TEST_F(DiskReserveTest, IsGivenUpForAFullDiskAndRestored) {
  DiskReserve reserve(path_, kBytes);
  ASSERT_OK(reserve.Restore());
  EXPECT_THAT(reserve.MakeRoom(absl::ResourceExhaustedError("full")),
              StatusIs(absl::StatusCode::kResourceExhausted, "full"));
  EXPECT_FALSE(reserve.held());
  EXPECT_FALSE(FileIsThere());
  ASSERT_OK(reserve.Restore());
  EXPECT_TRUE(reserve.held());
  EXPECT_TRUE(FileIsThere());
}

TEST_F(DiskReserveTest, IsKeptForOtherErrors) {
  DiskReserve reserve(path_, kBytes);
  ASSERT_OK(reserve.Restore());
  EXPECT_THAT(reserve.MakeRoom(absl::UnavailableError("busy")),
              StatusIs(absl::StatusCode::kUnavailable, _));
  EXPECT_OK(reserve.MakeRoom(absl::OkStatus()));
  EXPECT_TRUE(FileIsThere());
}

TEST_F(DiskReserveTest, OfAnEarlierLifeIsTakenOver) {
  ASSERT_OK(DiskReserve(path_, kBytes).Restore());
  DiskReserve reserve(path_, kBytes);
  ASSERT_OK(reserve.Restore());
  EXPECT_TRUE(reserve.held());
}

// Else whom it made room for would find the disk full again at once.
TEST_F(DiskReserveTest, IsNotRestoredWhereLittleWouldStayFree) {
  const int64_t free = DiskReserve(path_, kBytes).free_bytes();
  DiskReserve reserve(path_, free / 4 * 3);
  EXPECT_THAT(reserve.Restore(), StatusIs(absl::StatusCode::kResourceExhausted, _));
  EXPECT_FALSE(reserve.held());
  EXPECT_FALSE(FileIsThere());
}

TEST_F(DiskReserveTest, OfNothingIsAlwaysHeld) {
  DiskReserve reserve(path_, 0);
  EXPECT_TRUE(reserve.held());
  EXPECT_FALSE(reserve.GiveUp());
  EXPECT_TRUE(reserve.held());
  EXPECT_FALSE(FileIsThere());
}

}  // namespace
}  // namespace tweedie
