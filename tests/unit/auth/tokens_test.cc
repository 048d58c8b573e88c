#include "server/auth/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/auth/auth_testing.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

AccessEdit Add(const std::string& name) {
  return [name](std::vector<AccessEntry>& entries) {
    AccessEntry entry;
    entry.name = name;
    entry.token_sha256 = Sha256Hex(name);
    entries.push_back(entry);
    return absl::OkStatus();
  };
}

std::vector<AccessEntry> EntriesOf(const std::string& path) {
  const auto text = ReadAccessFile(path);
  EXPECT_OK(text);
  const auto entries = ParseAccess(text.value_or(""));
  EXPECT_OK(entries);
  return entries.value_or(std::vector<AccessEntry>());
}

struct stat StateOf(const std::string& path) {
  struct stat state = {};
  EXPECT_EQ(stat(path.c_str(), &state), 0);
  return state;
}

TEST(TokensTest, TokensHave256BitsEachItsOwn) {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const std::string token, NewToken());
    EXPECT_TRUE(absl::StartsWith(token, "tweedie_"));
    EXPECT_EQ(token.size(), 8u + 43u);
    EXPECT_EQ(token.find_first_of("+/= \n"), std::string::npos);
    tokens.insert(token);
  }
  EXPECT_EQ(tokens.size(), 100u);
}

TEST(TokensTest, ANewFileIsItsOwnersAlone) {
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  const mode_t before = umask(0);
  ASSERT_OK(EditAccessFile(path, true, Add("ada")));
  umask(before);
  EXPECT_EQ(StateOf(path).st_mode & 07777, 0600u);
  EXPECT_EQ(EntriesOf(path).at(0).name, "ada");
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path(), path) << "nothing else is left";
  }
}

TEST(TokensTest, AnOldFileKeepsOwnerGroupAndMode) {
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  WriteText(path, AccessText(""), 0640);
  const bool is_root = geteuid() == 0;
  ASSERT_TRUE(!is_root || chown(path.c_str(), 0, 12345) == 0);
  ASSERT_OK(EditAccessFile(path, false, Add("ada")));
  EXPECT_EQ(StateOf(path).st_mode & 07777, 0640u);
  EXPECT_TRUE(!is_root || StateOf(path).st_gid == 12345u);
}

TEST(TokensTest, AFailedEditLeavesTheFileAsItWas) {
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  const std::string text = AccessText(TokenEntry("ada", "user", "a"));
  WriteText(path, text);
  EXPECT_THAT(EditAccessFile(path, true, [](auto&) { return absl::NotFoundError("none"); }),
              StatusIs(absl::StatusCode::kNotFound, "none"));
  // What could not be read again is not written.
  EXPECT_FALSE(EditAccessFile(path, true, Add("a b")).ok());
  EXPECT_EQ(ReadFile(path, 1 << 20).value(), text);
  EXPECT_FALSE(EditAccessFile(folder.File("none"), false, Add("ada")).ok());
  EXPECT_FALSE(std::filesystem::exists(folder.File("none")));
}

TEST(TokensTest, AFileThatIsBadIsNotTouched) {
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  WriteText(path, "{");
  EXPECT_THAT(EditAccessFile(path, true, Add("ada")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)));
  EXPECT_EQ(ReadFile(path, 1 << 20).value(), "{");
}

TEST(TokensTest, EditsAtTheSameTimeAreAllDone) {
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  constexpr int kThreads = 8, kEdits = 5;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEdits; ++i) {
        EXPECT_OK(EditAccessFile(path, true, Add(absl::StrCat("u", t, "-", i))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(EntriesOf(path).size(), size_t{kThreads * kEdits});
}

}  // namespace
}  // namespace tweedie
