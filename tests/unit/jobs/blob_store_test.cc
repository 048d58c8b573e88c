#include "core/jobs/blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/testing/file_size_limit.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What is particular to files; the rules of all stores: tests/contract.
class BlobStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = FileBlobStore::Open(Root());
    ASSERT_OK(store);
    store_.emplace(*store);
  }
  std::string Root() const { return folder_.File("blobs"); }
  // Changes a blob behind the store's back.
  void Overwrite(const std::string& name, const std::string& bytes) const {
    std::ofstream(Root() + "/" + name, std::ios::binary | std::ios::trunc) << bytes;
  }
  TempFolder folder_;
  std::optional<FileBlobStore> store_;
};

TEST_F(BlobStoreTest, EmptyBlobAndBlobWithoutFolder) {
  ASSERT_OK_AND_ASSIGN(const BlobRef ref, store_->Write("top", ""));
  ASSERT_OK_AND_ASSIGN(const std::string read, store_->Read(ref));
  EXPECT_EQ(read, "");
  EXPECT_OK(store_->Remove("top"));
  EXPECT_TRUE(std::filesystem::is_directory(Root())) << "the root stays";
}

TEST_F(BlobStoreTest, DamagedBlobIsDataLoss) {
  ASSERT_OK_AND_ASSIGN(const BlobRef ref, store_->Write("job-1/input", "1234"));
  for (const char* damaged : {"", "123", "12345", "1235"}) {
    Overwrite("job-1/input", damaged);
    EXPECT_THAT(store_->Read(ref), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("job-1/input")))
        << damaged;
  }
  Overwrite("job-1/input", "1234");
  EXPECT_OK(store_->Read(ref));
}

TEST_F(BlobStoreTest, AFailedWriteLeavesNoFolder) {
  const FileSizeLimit small(1000);
  EXPECT_FALSE(store_->Write("job-1/input", std::string(5000, 'x')).ok());
  EXPECT_TRUE(std::filesystem::is_empty(Root()));
  ASSERT_OK(store_->Write("job-1/input", "x"));
  EXPECT_FALSE(store_->Write("job-1/result", std::string(5000, 'x')).ok());
  EXPECT_TRUE(std::filesystem::exists(Root() + "/job-1/input"));
}

TEST_F(BlobStoreTest, RemoveTakesTheEmptyFolderAlong) {
  ASSERT_OK(store_->Write("job-1/a", "x"));
  ASSERT_OK(store_->Write("job-1/b", "x"));
  EXPECT_OK(store_->Remove("job-1/a"));
  EXPECT_TRUE(std::filesystem::exists(Root() + "/job-1/b"));
  EXPECT_OK(store_->Remove("job-1/b"));
  EXPECT_FALSE(std::filesystem::exists(Root() + "/job-1"));
}

TEST_F(BlobStoreTest, RemoveOfNothingIsOk) {
  EXPECT_OK(store_->Remove("none"));
  EXPECT_OK(store_->Remove("none/none"));
  ASSERT_OK(store_->Write("file", "x"));
  EXPECT_OK(store_->Remove("file/none"));
  ASSERT_OK_AND_ASSIGN(const auto names, store_->List(absl::ZeroDuration()));
  EXPECT_THAT(names, ElementsAre("file"));
}

TEST_F(BlobStoreTest, ListNamesBlobsAndUnfinishedWrites) {
  ASSERT_OK_AND_ASSIGN(auto names, store_->List(absl::ZeroDuration()));
  EXPECT_THAT(names, IsEmpty());
  for (const char* name : {"job-2/input", "job-1/result-1", "top"}) {
    ASSERT_OK(store_->Write(name, "x"));
  }
  Overwrite("job-1/input.tmp-abc", "unfin");
  ASSERT_OK_AND_ASSIGN(names, store_->List(absl::ZeroDuration()));
  EXPECT_THAT(names, ElementsAre("job-1/input.tmp-abc", "job-1/result-1", "job-2/input", "top"));
  for (const std::string& name : names) EXPECT_OK(store_->Remove(name));
  ASSERT_OK_AND_ASSIGN(names, store_->List(absl::ZeroDuration()));
  EXPECT_THAT(names, IsEmpty());
}

TEST_F(BlobStoreTest, ListLeavesYoungBlobsOut) {
  ASSERT_OK(store_->Write("job-1/old", "x"));
  ASSERT_OK(store_->Write("job-1/young", "x"));
  const std::string old = Root() + "/job-1/old";
  std::filesystem::last_write_time(old,
                                   std::filesystem::last_write_time(old) - std::chrono::hours(2));
  ASSERT_OK_AND_ASSIGN(const auto names, store_->List(absl::Hours(1)));
  EXPECT_THAT(names, ElementsAre("job-1/old"));
}

TEST_F(BlobStoreTest, RootMustBeAFolderThatCanBeMade) {
  ASSERT_OK(store_->Write("file", "x"));
  EXPECT_FALSE(FileBlobStore::Open(Root() + "/file").ok());
  EXPECT_THAT(FileBlobStore::Open(Root() + "/none/none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/none")));
}

}  // namespace
}  // namespace tweedie
