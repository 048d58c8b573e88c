#include "client/cli/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "client/cli/command_line.h"
#include "client/cli/local_file.h"
#include "tests/testing/scoped_environment.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ProfileTest : public ::testing::Test {
 protected:
  // What the options are with this file and command line.
  absl::StatusOr<GlobalOptions> Apply(const std::string& text, const std::string& command_line) {
    const std::string path = folder_.File("config");
    std::ofstream(path) << text;
    CLI::App app;
    CommandLine line;
    DeclareCommandLine(&app, &line);
    app.parse(command_line);
    const absl::Status status = ApplyProfile(path, line.options.profile, &app);
    if (!status.ok()) return status;
    return line.options;
  }
  std::string WhyNot(const std::string& text, const std::string& command_line = "info") {
    const auto options = Apply(text, command_line);
    EXPECT_FALSE(options.ok()) << text;
    return std::string(options.status().message());
  }
  std::string File(const std::string& name) const { return folder_.File(name); }

 private:
  const TempFolder folder_;
};

constexpr char kText[] =
    "# where we work\n"
    "[default]\n"
    "server = here:1\n"
    "token-file = here.token\n"
    "retry-for = 7\n"
    "\n"
    "[lab]\n"
    "  server=https://lab:2  \n"
    "ca = /etc/lab.pem\n"
    "tls = true\n"
    "preview = none\n";

TEST_F(ProfileTest, DefaultIsTakenByItself) {
  ASSERT_OK_AND_ASSIGN(const GlobalOptions options, Apply(kText, "info"));
  EXPECT_EQ(options.connection.server, "here:1");
  EXPECT_EQ(options.connection.token_file, File("here.token"));
  EXPECT_EQ(options.retry_seconds, 7);
  EXPECT_EQ(options.wait_seconds, 3600);
}

TEST_F(ProfileTest, OtherIsTakenByName) {
  ASSERT_OK_AND_ASSIGN(const GlobalOptions options, Apply(kText, "info --profile lab"));
  EXPECT_EQ(options.connection.server, "https://lab:2");
  EXPECT_EQ(options.connection.ca, "/etc/lab.pem");
  EXPECT_TRUE(options.connection.tls);
  EXPECT_EQ(options.preview, "none");
  EXPECT_EQ(options.retry_seconds, 15) << "of [default]";
}

TEST_F(ProfileTest, CommandLineThenEnvironmentThenProfileThenDefault) {
  const ScopedEnvironment server("TWEEDIE_SERVER", "environment:3");
  ASSERT_OK_AND_ASSIGN(const GlobalOptions environment, Apply(kText, "info --profile lab"));
  EXPECT_EQ(environment.connection.server, "environment:3");
  ASSERT_OK_AND_ASSIGN(const GlobalOptions line,
                       Apply(kText, "info --profile lab --server line:4 --preview blocks"));
  EXPECT_EQ(line.connection.server, "line:4");
  EXPECT_EQ(line.preview, "blocks");
}

TEST_F(ProfileTest, TokenOfDefaultIsForItsOwnServer) {
  ASSERT_OK_AND_ASSIGN(const GlobalOptions options, Apply(kText, "info --server other:5"));
  EXPECT_EQ(options.connection.token_file, "");
  EXPECT_EQ(options.retry_seconds, 7);
}

TEST_F(ProfileTest, TokenOfTheEnvironmentGoesFirst) {
  const ScopedEnvironment token("TWEEDIE_TOKEN", "secret");
  ASSERT_OK_AND_ASSIGN(const GlobalOptions options, Apply(kText, "info"));
  EXPECT_EQ(options.connection.token_file, "");
}

TEST_F(ProfileTest, PathsAreOfTheHomeOrTheFolder) {
  const ScopedEnvironment home("HOME", "/home/ada");
  ASSERT_OK_AND_ASSIGN(const GlobalOptions options,
                       Apply("[default]\nca = ~/ca.pem\ncert = c.pem\n", "info"));
  EXPECT_EQ(options.connection.ca, "/home/ada/ca.pem");
  EXPECT_EQ(options.connection.cert, File("c.pem"));
}

TEST_F(ProfileTest, ErrorsNameFileAndLine) {
  const std::string config = File("config");
  EXPECT_THAT(WhyNot("[default]\nservre = x\n"),
              AllOf(HasSubstr(config + ":2: "), HasSubstr("did you mean 'server'?")));
  EXPECT_THAT(WhyNot("[default]\n\nretry-for = soon\n"),
              AllOf(HasSubstr(config + ":3: "), HasSubstr("soon")));
  EXPECT_THAT(WhyNot("[default]\npreview = block\n"), HasSubstr("did you mean 'blocks'?"));
  EXPECT_THAT(WhyNot("server = x\n"), HasSubstr(config + ":1: before the first [profile]"));
  EXPECT_THAT(WhyNot("[a]\n[a]\n"), HasSubstr(config + ":2: there is a profile a already"));
  EXPECT_THAT(WhyNot("[a]\nca = x\nca = y\n"), HasSubstr(":3: ca is given twice"));
  EXPECT_THAT(WhyNot("[a]\nhello\n"), HasSubstr(":2: neither"));
  EXPECT_THAT(WhyNot("[default]\njson = true\n"), HasSubstr("there is no key 'json'"));
  EXPECT_THAT(WhyNot(kText, "info --profile lba"), HasSubstr("did you mean 'lab'?"));
}

TEST_F(ProfileTest, TokensAreNotWrittenHere) {
  EXPECT_THAT(WhyNot("[default]\ntoken = secret\n"),
              AllOf(HasSubstr(":2: "), HasSubstr("token-file"), Not(HasSubstr("secret"))));
}

TEST_F(ProfileTest, NoFileIsNoProfile) {
  CLI::App app;
  CommandLine line;
  DeclareCommandLine(&app, &line);
  app.parse("info");
  EXPECT_OK(ApplyProfile(File("nowhere"), "", &app));
  EXPECT_OK(ApplyProfile("", "", &app));
  EXPECT_TRUE(IsLocalFileError(ApplyProfile(File("nowhere"), "lab", &app)));
}

TEST(ProfilesPathTest, IsThatOfXdg) {
  const ScopedEnvironment home("HOME", "/home/ada");
  {
    const ScopedEnvironment folder("XDG_CONFIG_HOME", "/etc/ada");
    EXPECT_EQ(ProfilesPath(), "/etc/ada/tweedie/config");
  }
  const ScopedEnvironment folder("XDG_CONFIG_HOME", "");
  EXPECT_EQ(ProfilesPath(), "/home/ada/.config/tweedie/config");
}

}  // namespace
}  // namespace tweedie::cli
