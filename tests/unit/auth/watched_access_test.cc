#include "server/auth/watched_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/auth/auth_testing.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WatchedAccessTest : public ::testing::Test {
 protected:
  WatchedAccessTest() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
    WriteText(path_, AccessText(TokenEntry("ada", "user", "a")));
    auto access = WatchedAccess::Open(path_);
    EXPECT_OK(access);
    access_ = *std::move(access);
  }
  ~WatchedAccessTest() override { spdlog::set_default_logger(before_); }

  std::string TakeLog() {
    std::string text = log_.str();
    log_.str("");
    return text;
  }
  // Whose the token is; empty if nobody's.
  std::string NameOf(const std::string& token) {
    const auto list = access_->list();
    const AccessEntry* entry = list->FindToken(Sha256Hex(token));
    return entry == nullptr ? "" : entry->name;
  }

  std::ostringstream log_;
  const std::shared_ptr<spdlog::logger> before_;
  const TempFolder folder_;
  const std::string path_ = folder_.File("tokens.json");
  std::unique_ptr<WatchedAccess> access_;
};

TEST_F(WatchedAccessTest, AChangeIsTakenOverAtTheNextLook) {
  EXPECT_FALSE(access_->Look());
  EXPECT_EQ(NameOf("a"), "ada");
  WriteText(path_, AccessText(TokenEntry("bob", "user", "b")));
  EXPECT_EQ(NameOf("a"), "ada");
  EXPECT_TRUE(access_->Look());
  EXPECT_EQ(NameOf("a"), "");
  EXPECT_EQ(NameOf("b"), "bob");
  EXPECT_FALSE(access_->Look());
}

// As from a writer within the grain of the file system's clock.
TEST_F(WatchedAccessTest, AChangeOfTheSameSizeIsSeen) {
  WriteText(path_, AccessText(TokenEntry("eva", "user", "a")));
  EXPECT_TRUE(access_->Look());
  EXPECT_EQ(NameOf("a"), "eva");
}

TEST_F(WatchedAccessTest, ABadFileLeavesTheEntriesAndIsToldOnce) {
  WriteText(path_, "{");
  EXPECT_FALSE(access_->Look());
  EXPECT_EQ(NameOf("a"), "ada");
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("tokens stay as they were"), HasSubstr(path_)));
  EXPECT_FALSE(access_->Look());
  EXPECT_THAT(TakeLog(), IsEmpty());
  WriteText(path_, AccessText("7"));
  EXPECT_FALSE(access_->Look());
  EXPECT_THAT(TakeLog(), HasSubstr("entries[0]"));
  // As it was, and bad again: told again.
  WriteText(path_, AccessText(TokenEntry("ada", "user", "a")));
  EXPECT_FALSE(access_->Look());
  WriteText(path_, AccessText("7"));
  EXPECT_FALSE(access_->Look());
  EXPECT_THAT(TakeLog(), HasSubstr("entries[0]"));
}

TEST_F(WatchedAccessTest, AFileThatIsGoneOrOpenToOthersLeavesTheEntries) {
  WriteText(path_, AccessText(TokenEntry("eve", "operator", "e")), 0666);
  EXPECT_FALSE(access_->Look());
  EXPECT_EQ(NameOf("e"), "");
  EXPECT_THAT(TakeLog(), HasSubstr("written by others"));
  ASSERT_EQ(unlink(path_.c_str()), 0);
  EXPECT_FALSE(access_->Look());
  EXPECT_EQ(NameOf("a"), "ada");
  EXPECT_THAT(TakeLog(), HasSubstr("cannot open"));
  // Only the mode is put right.
  WriteText(path_, AccessText(TokenEntry("eve", "operator", "e")), 0600);
  EXPECT_TRUE(access_->Look());
  EXPECT_EQ(NameOf("e"), "eve");
}

TEST_F(WatchedAccessTest, ABadFileIsNotOpened) {
  WriteText(path_, "{");
  EXPECT_THAT(WatchedAccess::Open(path_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path_)));
}

}  // namespace
}  // namespace tweedie
