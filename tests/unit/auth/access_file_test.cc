#include "server/auth/access_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/auth/auth_testing.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kHash(64, 'a');

std::string WithHash(const std::string& rest) {
  return AccessText(R"({"name": "ada", "token_sha256": ")" + kHash + "\"" + rest + "}");
}

TEST(AccessFileTest, AllKeysAreRead) {
  ASSERT_OK_AND_ASSIGN(
      const auto entries,
      ParseAccess(AccessText(R"({"name": "ada", "role": "user", "token_sha256": ")" + kHash +
                             R"(", "expires": "2027-01-31T12:00:00+01:00", "max_queued_jobs": 7,
                                 "max_queued_mebibytes": 9},
                                {"name": "gpu-2", "role": "operator", "certificate": "gpu-2.lab"})")));
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].name, "ada");
  EXPECT_EQ(entries[0].role, Role::kUser);
  EXPECT_EQ(entries[0].token_sha256, kHash);
  EXPECT_EQ(entries[0].expires, absl::FromUnixSeconds(1801393200));
  EXPECT_EQ(entries[0].limits.max_queued_jobs, 7);
  EXPECT_EQ(entries[0].limits.max_queued_mebibytes, 9);
  EXPECT_EQ(entries[1].role, Role::kOperator);
  EXPECT_EQ(entries[1].certificate, "gpu-2.lab");
  EXPECT_EQ(entries[1].expires, absl::InfiniteFuture());
  EXPECT_FALSE(entries[1].limits.max_queued_jobs.has_value());
}

TEST(AccessFileTest, WhatIsWrittenIsReadAsItWas) {
  const std::string text = AccessText(
      TokenEntry("ada", "user", "x",
                 R"(, "expires": "2027-01-31T12:00:00.5Z", "max_queued_jobs": 7)") +
      R"(, {"name": "v", "role": "viewer", "certificate": "a \"b\" ü", "max_queued_mebibytes": 1})");
  ASSERT_OK_AND_ASSIGN(const auto entries, ParseAccess(text));
  const std::string written = FormatAccess(entries);
  ASSERT_OK_AND_ASSIGN(const auto again, ParseAccess(written));
  EXPECT_EQ(FormatAccess(again), written);
  EXPECT_EQ(again[0].expires, entries[0].expires);
  EXPECT_EQ(again[1].certificate, "a \"b\" ü");
  EXPECT_THAT(FormatAccess({}), HasSubstr("[]"));
  EXPECT_OK(ParseAccess(FormatAccess({})));
}

TEST(AccessFileTest, ErrorsNameTheEntryAndTheKey) {
  const struct {
    std::string text;
    std::string message;
  } cases[] = {
      {"", "is no JSON"},
      {"{\"entries\": [}", "is no JSON"},
      {AccessText("{}") + "x", "is no JSON"},
      {"[]", "'entries'"},
      {"{}", "'entries'"},
      {R"({"entries": {}})", "'entries'"},
      {R"({"entries": [], "version": 1})", "'entries'"},
      {R"({"entries": [], "entries": []})", "key 'entries' twice"},
      {AccessText("7"), "entries[0]: must be an object"},
      {AccessText("{}"), "entries[0]: lacks the key 'name'"},
      {WithHash(""), "entries[0] (ada): lacks the key 'role'"},
      {WithHash(R"(, "role": "admin")"), "entries[0] (ada): role must be viewer, user or operator"},
      {WithHash(R"(, "role": 1)"), "entries[0] (ada): role must be a text"},
      {WithHash(R"(, "role": "user", "colour": "red")"), "unknown key 'colour'"},
      {WithHash(R"(, "role": "user", "role": "operator")"), "key 'role' twice"},
      {WithHash(R"(, "role": "user", "certificate": "x")"), "one of token_sha256 and certificate"},
      {AccessText(R"({"name": "ada", "role": "user"})"), "one of token_sha256 and certificate"},
      {AccessText(R"({"name": "", "role": "user", "certificate": "x"})"), "name must be 1 to 64"},
      {AccessText(R"({"name": "a b", "role": "user", "certificate": "x"})"), "name must be"},
      {AccessText(R"({"name": "ada", "role": "user", "certificate": ""})"), "certificate must be"},
      {AccessText(R"({"name": "ada", "role": "user", "certificate": "a\u0000b"})"),
       "certificate must be"},
      {AccessText(R"({"name": "ada", "role": "user", "token_sha256": "abc"})"),
       "entries[0] (ada): token_sha256 must be"},
      {AccessText(R"({"name": "ada", "role": "user", "token_sha256": ")" + std::string(64, 'A') +
                  "\"}"),
       "token_sha256 must be"},
      {AccessText(R"({"name": "ada", "role": "user", "token_sha256": ")" + std::string(64, 'g') +
                  "\"}"),
       "token_sha256 must be"},
      {WithHash(R"(, "role": "user", "expires": "tomorrow")"), "(ada): expires must be a time"},
      {WithHash(R"(, "role": "user", "expires": "2027-01-31")"), "expires must be a time"},
      {WithHash(R"(, "role": "user", "expires": "infinite-future")"), "expires must be a time"},
      {WithHash(R"(, "role": "user", "max_queued_jobs": 0)"), "max_queued_jobs must be a whole"},
      {WithHash(R"(, "role": "user", "max_queued_jobs": 1.5)"), "max_queued_jobs must be a whole"},
      {WithHash(R"(, "role": "user", "max_queued_jobs": "7")"), "max_queued_jobs must be a whole"},
      {WithHash(R"(, "role": "user", "max_queued_mebibytes": 18446744073709551615)"),
       "max_queued_mebibytes must be a whole"},
      {AccessText(TokenEntry("ada", "user", "x") + "," + TokenEntry("bob", "user", "x")),
       "entries[1] (bob): token_sha256 is that of an entry before"},
      {AccessText(R"({"name": "a", "role": "user", "certificate": "c"},
                     {"name": "b", "role": "user", "certificate": "c"})"),
       "entries[1] (b): certificate is that of an entry before"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(ParseAccess(c.text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)))
        << c.text;
  }
}

// Somebody may put the token itself where its hash belongs, or into broken JSON.
TEST(AccessFileTest, ErrorsShowNothingThatMayBeSecret) {
  for (const std::string& text :
       {AccessText(R"({"name": "ada", "role": "user", "token_sha256": "tweedie_secret"})"),
        AccessText(R"({"name": "ada", "role": "user", "token_sha256": "tweedie_secret)")}) {
    EXPECT_THAT(ParseAccess(text),
                StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("secret"))));
  }
}

TEST(AccessFileTest, AFileThatOthersMayWriteIsRefused) {
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  WriteText(path, AccessText(""), 0644);
  EXPECT_OK(ReadAccessFile(path));
  for (const mode_t mode : {0620, 0602, 0666}) {
    WriteText(path, AccessText(""), mode);
    EXPECT_THAT(ReadAccessFile(path),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(path), HasSubstr("written by others"))));
  }
  EXPECT_THAT(ReadAccessFile(folder.File("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST(AccessFileTest, AFileOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file to another user";
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  WriteText(path, AccessText(""));
  ASSERT_EQ(chown(path.c_str(), 12345, 0), 0);
  EXPECT_THAT(ReadAccessFile(path),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("of user 12345")));
}

}  // namespace
}  // namespace tweedie
