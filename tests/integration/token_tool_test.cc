// `tweedied token new|list|revoke`, and a server that has the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "core/base/file.h"
#include "server/auth/access_file.h"
#include "tests/integration/access_testing.h"
#include "tests/testing/child_process.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

class TokenToolTest : public ::testing::Test {
 protected:
  std::string file() const { return folder_.File("tokens.json"); }
  Finished Token(std::vector<std::string> arguments,
                 const std::vector<std::string>& environment = {}) const {
    arguments.insert(arguments.begin(), "token");
    const auto child = ChildProcess::Start(TWEEDIED, arguments, environment);
    EXPECT_NE(child, nullptr);
    return child->Wait();
  }
  Finished TokenOfFile(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--file", file()});
    return Token(arguments);
  }
  // The token that is made.
  std::string MustMake(const std::string& name, const std::string& role,
                       std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"new", name, "--role", role});
    const Finished made = TokenOfFile(more);
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.err, IsEmpty());
    EXPECT_THAT(made.out, MatchesRegex("tweedie_[A-Za-z0-9_-]+\n"));
    return std::string(absl::StripAsciiWhitespace(made.out));
  }
  std::vector<AccessEntry> Entries() const {
    return ParseAccess(ReadAccessFile(file()).value()).value();
  }
  std::vector<std::string> Listed() const {
    const Finished list = TokenOfFile({"list"});
    EXPECT_EQ(list.exit_code, 0) << list.err;
    return absl::StrSplit(list.out, '\n', absl::SkipEmpty());
  }

  const TempFolder folder_;
};

TEST_F(TokenToolTest, ANewTokenIsPrintedOnceAndItsHashIsKept) {
  const std::string token =
      MustMake("ada", "user",
               {"--expires-in", "30", "--max-queued-jobs", "5", "--max-queued-mebibytes", "64"});
  EXPECT_EQ(token.size(), 8u + 43u);
  struct stat state = {};
  ASSERT_EQ(stat(file().c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 07777, 0600u);
  EXPECT_THAT(ReadFile(file(), 1 << 20).value(), Not(HasSubstr(token.substr(8))));
  ASSERT_THAT(Entries(), SizeIs(1));
  const AccessEntry entry = Entries()[0];
  EXPECT_EQ(entry.name, "ada");
  EXPECT_EQ(entry.role, Role::kUser);
  EXPECT_EQ(entry.token_sha256, Sha256Hex(token));
  EXPECT_EQ(entry.limits.max_queued_jobs, 5);
  EXPECT_EQ(entry.limits.max_queued_mebibytes, 64);
  EXPECT_NEAR(absl::ToDoubleHours(entry.expires - absl::Now()), 30 * 24, 0.1);
  EXPECT_THAT(Listed(),
              ElementsAre(testing::AllOf(
                  testing::StartsWith("ada\tuser\ttoken " + entry.token_sha256.substr(0, 12)),
                  HasSubstr("expires 20"), HasSubstr("max-queued-jobs 5"))));
}

TEST_F(TokenToolTest, RevokingTakesAllOfANameOrOneOfThem) {
  const std::string first = MustMake("ada", "user");
  const std::string second = MustMake("ada", "user");
  MustMake("bob", "viewer");
  EXPECT_NE(first, second);
  Finished revoked = TokenOfFile({"revoke", "ada", "--id", Sha256Hex(first).substr(0, 12)});
  EXPECT_EQ(revoked.exit_code, 0) << revoked.err;
  EXPECT_EQ(revoked.out, "revoked 1 of ada\n");
  ASSERT_THAT(Entries(), SizeIs(2));
  EXPECT_EQ(Entries()[0].token_sha256, Sha256Hex(second));
  MustMake("ada", "operator");
  EXPECT_EQ(TokenOfFile({"revoke", "ada"}).out, "revoked 2 of ada\n");
  EXPECT_THAT(Listed(), ElementsAre(testing::StartsWith("bob\tviewer\t")));
  const Finished again = TokenOfFile({"revoke", "ada"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("no such entry of ada"));
  EXPECT_THAT(Entries(), SizeIs(1));
}

TEST_F(TokenToolTest, WhatIsWrongIsRefusedAndNoTokenIsPrinted) {
  const struct {
    std::vector<std::string> arguments;
    int code;
    std::string message;
  } cases[] = {
      {{}, 2, "tweedied token new"},
      {{"sell"}, 2, "tweedied token new"},
      {{"new", "ada", "--role", "user"}, 2, "tokens-file"},
      {{"new", "--role", "user", "--file", file()}, 2, "NAME"},
      {{"new", "ada", "--file", file()}, 2, "role"},
      {{"new", "ada", "--role", "admin", "--file", file()}, 2, "admin"},
      {{"new", "ada", "--role", "user", "--expires-in", "-1", "--file", file()}, 2, "expires-in"},
      {{"new", "ada", "--role", "user", "--max-queued-jobs", "0", "--file", file()},
       2,
       "max-queued-jobs"},
      {{"new", "a b", "--role", "user", "--file", file()}, 1, "NAME must be"},
      {{"new", "ada", "--role", "user", "--file", folder_.File("none/tokens.json")}, 1, "none"},
      {{"list", "--file", file()}, 1, "tokens.json"},
      {{"revoke", "ada", "--file", file()}, 1, "tokens.json"},
  };
  for (const auto& c : cases) {
    const Finished finished = Token(c.arguments);
    EXPECT_EQ(finished.exit_code, c.code) << c.message << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(c.message));
    EXPECT_THAT(finished.out, Not(HasSubstr("tweedie_")));
  }
}

// TWEEDIE_MAX_QUEUED_JOBS is the server's own limit, and none of the token's.
TEST_F(TokenToolTest, OfTheEnvironmentTheFileAloneIsTaken) {
  const std::vector<std::string> environment = {"TWEEDIE_TOKENS_FILE=" + file(),
                                                "TWEEDIE_MAX_QUEUED_JOBS=7"};
  EXPECT_EQ(Token({"new", "ada", "--role", "user"}, environment).exit_code, 0);
  EXPECT_FALSE(Entries().at(0).limits.max_queued_jobs.has_value());
}

TEST_F(TokenToolTest, AServerTakesTheTokensAndTheirEnd) {
  const std::string token = MustMake("ada", "user");
  RunningServer server({"--tokens-file", file()});
  const auto watch = [&](const std::string& with) {
    return WatchListing(server.client().stub(), Bearer(with));
  };
  EXPECT_TRUE(watch(token).ok());
  Call call(Bearer(token));
  const auto reader = server.client().stub().WatchJobs(call.get(), v1::WatchJobsRequest());
  EXPECT_EQ(TokenOfFile({"revoke", "ada"}).exit_code, 0);
  EXPECT_EQ(ReadAll<v1::WatchJobsResponse>(reader).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(watch(token).error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

}  // namespace
}  // namespace tweedie
