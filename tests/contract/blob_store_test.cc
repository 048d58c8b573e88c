// The rules of BlobStore, the same for every store.
#include "core/jobs/blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "core/base/sha256.h"
#include "tests/contract/job_store_fixture.h"

namespace tweedie {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FileBlobs {
 public:
  static constexpr char kName[] = "Files";
  absl::StatusOr<std::unique_ptr<BlobStore>> Open() {
    ASSIGN_OR_RETURN(FileBlobStore store, FileBlobStore::Open(folder_.File("blobs")));
    return std::make_unique<FileBlobStore>(std::move(store));
  }

 private:
  const TempFolder folder_;
};

class PostgresBlobs {
 public:
  static constexpr char kName[] = "Postgres";
  absl::StatusOr<std::unique_ptr<BlobStore>> Open() {
    PostgresOptions options;
    options.connection = PostgresCluster::Shared().connection();
    options.schema = schema_;
    ASSIGN_OR_RETURN(PostgresQueue queue, OpenPostgresQueue(options, RetentionPolicy()));
    return std::move(queue.blobs);
  }

 private:
  const std::string schema_ = "test_" + RandomId(12);
};

template <typename BlobsT>
class BlobStoreContractTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    store_.reset();
    auto store = blobs_.Open();
    ASSERT_OK(store);
    store_ = *std::move(store);
  }
  std::vector<std::string> List(absl::Duration min_age = absl::ZeroDuration()) {
    auto names = store_->List(min_age);
    EXPECT_OK(names);
    return names.value_or(std::vector<std::string>());
  }

  BlobsT blobs_;
  std::unique_ptr<BlobStore> store_;
};
using BlobStores = ::testing::Types<FileBlobs, PostgresBlobs>;
TYPED_TEST_SUITE(BlobStoreContractTest, BlobStores, StoreName);

TYPED_TEST(BlobStoreContractTest, WrittenBlobIsReadBackAlsoAfterReopening) {
  // Shorter than a piece, whole pieces, and a piece and a bit.
  for (const size_t size : {size_t{0}, size_t{7}, size_t{1} << 20, (size_t{2} << 20) + 1}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
    ASSERT_OK_AND_ASSIGN(const BlobRef ref, this->store_->Write("job-1/input", bytes));
    EXPECT_EQ(ref.name, "job-1/input");
    EXPECT_EQ(ref.size, static_cast<int64_t>(size));
    EXPECT_EQ(ref.sha256, Sha256Hex(bytes));
    this->Reopen();
    ASSERT_OK_AND_ASSIGN(const std::string read, this->store_->Read(ref));
    EXPECT_TRUE(read == bytes) << size;
  }
}

TYPED_TEST(BlobStoreContractTest, WriteReplacesABlobOfTheSameName) {
  ASSERT_OK_AND_ASSIGN(const BlobRef first, this->store_->Write("top", "1234"));
  ASSERT_OK_AND_ASSIGN(const BlobRef second, this->store_->Write("top", "12"));
  EXPECT_THAT(this->store_->Read(first), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("top")));
  ASSERT_OK_AND_ASSIGN(const std::string read, this->store_->Read(second));
  EXPECT_EQ(read, "12");
}

TYPED_TEST(BlobStoreContractTest, MissingOrOtherBlobIsDataLoss) {
  EXPECT_THAT(this->store_->Read({"job-1/input", 1, Sha256Hex("x")}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("job-1/input is missing")));
  ASSERT_OK_AND_ASSIGN(const BlobRef ref, this->store_->Write("job-1/input", "1234"));
  BlobRef other = ref;
  other.size = 3;
  EXPECT_THAT(this->store_->Read(other), StatusIs(absl::StatusCode::kDataLoss, _));
  other = ref;
  other.sha256 = Sha256Hex("1235");
  EXPECT_THAT(this->store_->Read(other), StatusIs(absl::StatusCode::kDataLoss, _));
}

TYPED_TEST(BlobStoreContractTest, MalformedNamesAreRefused) {
  for (const char* name : {"", ".", "..", "/", "/a", "a/", "../a", "a/..", "a/../b", "a/b/c",
                           "a//b", "./a", "A", "a b", "a\\b", "\xc3\xa4", "a/\n", "a'"}) {
    const auto is_refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("blob name"));
    EXPECT_THAT(this->store_->Write(name, "x"), is_refused) << name;
    EXPECT_THAT(this->store_->Read({name, 1, ""}), is_refused) << name;
    EXPECT_THAT(this->store_->Remove(name), is_refused) << name;
  }
  EXPECT_THAT(this->store_->Write(absl::string_view("a\0b", 3), "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, _));
  EXPECT_OK(this->store_->Write("a.b_c-9/..d", "x"));
}

TYPED_TEST(BlobStoreContractTest, RemovedBlobIsGoneAndRemovingNothingIsOk) {
  EXPECT_OK(this->store_->Remove("none"));
  ASSERT_OK_AND_ASSIGN(const BlobRef ref, this->store_->Write("job-1/a", "x"));
  ASSERT_OK(this->store_->Write("job-1/b", "x"));
  EXPECT_OK(this->store_->Remove("job-1/a"));
  EXPECT_THAT(this->store_->Read(ref), StatusIs(absl::StatusCode::kDataLoss, _));
  EXPECT_THAT(this->List(), ElementsAre("job-1/b"));
}

TYPED_TEST(BlobStoreContractTest, ListIsByNameAndLeavesTheYoungOut) {
  EXPECT_THAT(this->List(), IsEmpty());
  for (const char* name : {"job-2/input", "job-1/result-1", "top"}) {
    ASSERT_OK(this->store_->Write(name, "x"));
  }
  EXPECT_THAT(this->List(), ElementsAre("job-1/result-1", "job-2/input", "top"));
  EXPECT_THAT(this->List(absl::Hours(1)), IsEmpty());
}

TYPED_TEST(BlobStoreContractTest, ThreadsDoNotDisturbEachOther) {
  std::atomic<int> errors = 0;
  const auto work = [&](const std::string& name) {
    for (int i = 0; i < 100; ++i) {
      const auto ref = this->store_->Write(name, "x");
      if (!ref.ok() || !this->store_->Read(*ref).ok() || !this->store_->Remove(name).ok()) {
        ++errors;
      }
    }
  };
  std::thread other(work, "job-1/a");
  work("job-1/b");
  other.join();
  EXPECT_EQ(errors, 0);
}

}  // namespace
}  // namespace tweedie
