#include "core/jobs/blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/sha256.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

TEST_F(BlobStoreTest, WrittenBlobIsReadBack) {
  const std::string bytes("\0\xff blob", 7);
  ASSERT_OK_AND_ASSIGN(const BlobRef ref, store_->Write("job-1/input", bytes));
  EXPECT_EQ(ref.name, "job-1/input");
  EXPECT_EQ(ref.size, 7);
  EXPECT_EQ(ref.sha256, Sha256Hex(bytes));
  ASSERT_OK_AND_ASSIGN(const std::string read, store_->Read(ref));
  EXPECT_EQ(read, bytes);
}

TEST_F(BlobStoreTest, EmptyBlobAndBlobWithoutFolder) {
  ASSERT_OK_AND_ASSIGN(const BlobRef ref, store_->Write("top", ""));
  ASSERT_OK_AND_ASSIGN(const std::string read, store_->Read(ref));
  EXPECT_EQ(read, "");
  EXPECT_OK(store_->Remove("top"));
  EXPECT_TRUE(std::filesystem::is_directory(Root())) << "the root stays";
}

TEST_F(BlobStoreTest, ReopenedStoreHasTheBlobs) {
  ASSERT_OK_AND_ASSIGN(const BlobRef ref, store_->Write("job-1/input", "x"));
  ASSERT_OK_AND_ASSIGN(const FileBlobStore again, FileBlobStore::Open(Root()));
  EXPECT_OK(again.Read(ref));
}

TEST_F(BlobStoreTest, MissingBlobIsDataLoss) {
  EXPECT_THAT(store_->Read({"job-1/input", 1, Sha256Hex("x")}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("job-1/input is missing")));
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

TEST_F(BlobStoreTest, MalformedNamesAreRefused) {
  for (const char* name : {"", ".", "..", "/", "/a", "a/", "../a", "a/..", "a/../b", "a/b/c",
                           "a//b", "./a", "A", "a b", "a\\b", "\xc3\xa4", "a/\n"}) {
    const auto is_refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("blob name"));
    EXPECT_THAT(store_->Write(name, "x"), is_refused) << name;
    EXPECT_THAT(store_->Read({name, 1, ""}), is_refused) << name;
    EXPECT_THAT(store_->Remove(name), is_refused) << name;
  }
  EXPECT_THAT(store_->Write(absl::string_view("a\0b", 3), "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, _));
  EXPECT_OK(store_->Write("a.b_c-9/..d", "x"));
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

TEST_F(BlobStoreTest, WritesAndRemovesOfOneFolderDoNotDisturbEachOther) {
  std::atomic<int> errors = 0;
  const auto work = [&](const std::string& name) {
    for (int i = 0; i < 100; ++i) {
      const auto ref = store_->Write(name, "x");
      if (!ref.ok() || !store_->Read(*ref).ok() || !store_->Remove(name).ok()) ++errors;
    }
  };
  std::thread other(work, "job-1/a");
  work("job-1/b");
  other.join();
  EXPECT_EQ(errors, 0);
}

}  // namespace
}  // namespace tweedie
