#include "server/base/data_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

TEST(DataDirTest, AFolderIsOneHoldersAtATime) {
  const TempFolder folder;
  {
    const auto held = DataDir::Open(folder.File("data"));
    ASSERT_OK(held);
    EXPECT_THAT(DataDir::Open(folder.File("data")),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         testing::HasSubstr("another server or command uses it (process ")));
  }
  EXPECT_OK(DataDir::Open(folder.File("data")));
}

TEST(DataDirTest, FileSystemsOfNetworksAreKnownByTheirNumbers) {
  EXPECT_EQ(NetworkFileSystem(0x6969), "NFS");
  EXPECT_EQ(NetworkFileSystem(0xfe534d42), "SMB");
  EXPECT_EQ(NetworkFileSystem(static_cast<int32_t>(0xfe534d42)), "SMB");  // its sign extended
  EXPECT_EQ(NetworkFileSystem(0xef53), "");                               // ext4
  EXPECT_EQ(NetworkFileSystem(0x01021994), "");                           // tmpfs
}

}  // namespace
}  // namespace tweedie
