#include "client/cli/connection.h"

#include <cstdlib>

#include "client/cli/local_file.h"
#include "tests/testing/scoped_environment.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_certificates.h"

namespace tweedie::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    unsetenv("TWEEDIE_TOKEN");
    unsetenv("TWEEDIE_TOKEN_FILE");
    PutFile(ca_, TestAuthority().pem());
  }
  absl::StatusOr<ChannelOptions> Read() { return ReadConnection(options_, &warnings_); }

  const TempFolder folder_;
  const std::string ca_ = folder_.File("ca");
  ConnectionOptions options_;
  std::vector<std::string> warnings_;
};

TEST_F(ConnectionTest, WithoutOptionsIsPlainAndWithoutAToken) {
  ASSERT_OK_AND_ASSIGN(const ChannelOptions channel, Read());
  EXPECT_EQ(channel.target, kDefaultServer);
  EXPECT_FALSE(channel.tls);
  EXPECT_THAT(channel.token, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_THAT(CommandLineOf(options_), IsEmpty());
}

TEST_F(ConnectionTest, TlsIsSpokenWhereItIsAskedForInAnyWay) {
  options_.server = "https://gpu-1:7433/";
  ASSERT_OK_AND_ASSIGN(ChannelOptions channel, Read());
  EXPECT_TRUE(channel.tls);
  EXPECT_EQ(channel.target, "gpu-1:7433");
  options_.server = "gpu-1:7433";
  EXPECT_FALSE(Read()->tls);
  options_.tls = true;
  EXPECT_TRUE(Read()->tls);
  options_.tls = false;
  options_.ca = ca_;
  EXPECT_TRUE(Read()->tls) << "not left out in silence";
  EXPECT_FALSE(Read()->authorities.empty());
}

// What the environment says for other servers does not hinder.
TEST_F(ConnectionTest, UnixSocketsHaveNoTls) {
  options_.server = "unix:/run/tweedie";
  options_.tls = true;
  options_.ca = "none";
  ASSERT_OK_AND_ASSIGN(const ChannelOptions channel, Read());
  EXPECT_FALSE(channel.tls);
}

TEST_F(ConnectionTest, TheFileOfTheFlagGoesBeforeTheVariables) {
  PutFile(folder_.File("flag"), "tw_flag\n");
  PutFile(folder_.File("variable"), "tw_variable_file\n");
  const ScopedEnvironment file("TWEEDIE_TOKEN_FILE", folder_.File("variable"));
  EXPECT_EQ(Read()->token, "tw_variable_file");
  const ScopedEnvironment variable("TWEEDIE_TOKEN", "tw_variable");
  EXPECT_EQ(Read()->token, "tw_variable");
  options_.token_file = folder_.File("flag");
  EXPECT_EQ(Read()->token, "tw_flag");
  EXPECT_THAT(warnings_, IsEmpty());
  PutFile(folder_.File("flag"), "tw_flag\n", 0640);
  EXPECT_OK(Read());
  EXPECT_THAT(warnings_, SizeIs(1));
}

TEST_F(ConnectionTest, FilesThatDoNotServeAreErrorsOfLocalFiles) {
  options_.token_file = ca_;
  EXPECT_TRUE(IsLocalFileError(Read().status()));
  options_.token_file.clear();
  options_.ca = folder_.File("none");
  EXPECT_TRUE(IsLocalFileError(Read().status()));
  options_.ca = ca_;
  options_.key = ca_;
  EXPECT_THAT(Read(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--cert")));
}

TEST_F(ConnectionTest, CommandLineRepeatsWhatWasGivenButNoToken) {
  options_ = {"https://gpu-1:7433", true, "ca.pem", "own.pem", "own.key", "token"};
  EXPECT_EQ(CommandLineOf(options_),
            " --server https://gpu-1:7433 --tls --ca ca.pem --cert own.pem --key own.key "
            "--token-file token");
}

}  // namespace
}  // namespace tweedie::cli
