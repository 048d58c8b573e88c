// The commands that look after jobs, and those that ask about the server.
#include <filesystem>

#include "tests/e2e/cli_test.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class JobsTest : public CliTest {
 protected:
  // Creates a quick job without waiting for it, and returns its name.
  std::string Detach(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"sample",  "--process", "ddim",
                                          "--steps", "4",         "--detach"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Lines(MustRun(arguments).out).at(0);
  }
};

TEST_F(JobsTest, DetachedJobCanBeWatchedAndFetched) {
  const std::string name = Detach({"-n", "2"});
  EXPECT_THAT(name, StartsWith("jobs/"));
  const Finished watched = MustRun({"watch", name, "--out", File("watched")});
  EXPECT_THAT(Lines(watched.out), ElementsAre(name));

  const Finished got = MustRun({"get", name, "--out", File("got")});
  EXPECT_THAT(got.out, AllOf(HasSubstr(name), HasSubstr("succeeded"), HasSubstr("ddim, 4 steps")));
  EXPECT_EQ(ReadFile(File("watched/0001.png")), ReadFile(File("got/0001.png")));
}

TEST_F(JobsTest, NamesMayLackTheirCollection) {
  const std::string name = Detach({"--id", "a-short-name"});
  EXPECT_EQ(name, "jobs/a-short-name");
  MustRun({"watch", "a-short-name"});
  EXPECT_EQ(Objects(MustRun({"get", "a-short-name", "--json"})).at(0).at("name"), name);
}

TEST_F(JobsTest, TextOfOthersCommandsNoTerminal) {
  const std::string name = Detach({"--label", "a=\x1b]52;c;eA==\x07\nstate"});
  const std::string shown = MustRun({"get", name}).out;
  EXPECT_THAT(shown, HasSubstr("a=\\x1b]52;c;eA==\\x07\\x0astate"));
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
  EXPECT_EQ(Objects(MustRun({"get", name, "--json"})).at(0).at("labels").at("a"),
            "\x1b]52;c;eA==\x07\nstate");
}

TEST_F(JobsTest, ListFindsByLabelAndState) {
  const std::string first = Detach({"--label", "project=list"});
  const std::string second = Detach({"--label", "project=list"});
  Detach({"--label", "project=other"});
  MustRun({"watch", first});
  MustRun({"watch", second});
  const Finished table =
      MustRun({"list", "--label", "project=list", "--state", "succeeded", "--state", "failed"});
  EXPECT_THAT(Lines(table.out), ElementsAre(AllOf(StartsWith("NAME"), HasSubstr("STATE")),
                                            StartsWith(second + " "), StartsWith(first + " ")));
  for (const auto& [option, value] : {std::pair{"--state", "cancelled"}, {"--creator", "nobody"}}) {
    EXPECT_THAT(Lines(MustRun({"list", "--label", "project=list", option, value}).out), SizeIs(1));
  }
  const Finished as_json = MustRun({"list", "--label", "project=list", "--limit", "1", "--json"});
  ASSERT_EQ(Objects(as_json).size(), 1);
  EXPECT_EQ(Objects(as_json).at(0).at("name"), second);
}

TEST_F(JobsTest, SameRequestIdMakesNoSecondJob) {
  const std::vector<std::string> once = {"--request-id", "6a1cf6a5-7d6b-4f0e-8a53-0d9f4b1d2c3e"};
  EXPECT_EQ(Detach(once), Detach(once));
}

TEST_F(JobsTest, CancelledJobStops) {
  const std::string name = StartLongJob();
  EXPECT_THAT(MustRun({"cancel", name}).out, HasSubstr(name));
  const Finished watched = Run({"watch", name});
  EXPECT_EQ(watched.exit_code, kCancelled);
  EXPECT_THAT(watched.err, HasSubstr("was cancelled"));
  EXPECT_EQ(StateOf(name), v1::Job::CANCELLED);
}

TEST_F(JobsTest, DeletedJobIsGone) {
  const std::string name = Detach();
  MustRun({"watch", name});
  EXPECT_THAT(Lines(MustRun({"delete", name}).out), ElementsAre("deleted " + name));
  EXPECT_EQ(Run({"get", name}).exit_code, kNotFound);
}

TEST_F(JobsTest, JobThatHasNotEndedIsNotDeleted) {
  const std::string name = StartLongJob();
  const Finished finished = Run({"delete", name});
  EXPECT_EQ(finished.exit_code, kPrecondition);
  EXPECT_THAT(finished.err, StartsWith("tweedie: "));
  Cancel(name);
}

TEST_F(JobsTest, ModelsAreListed) {
  EXPECT_THAT(Lines(MustRun({"models"}).out),
              ElementsAre(StartsWith("NAME"), AllOf(StartsWith("models/fashion-mnist-32"),
                                                    HasSubstr("ready"), HasSubstr("1x32x32"))));
  EXPECT_EQ(Objects(MustRun({"models", "--json"})).at(0).at("state"), "READY");
}

TEST_F(JobsTest, InfoTellsWhatTheServerIs) {
  EXPECT_THAT(MustRun({"info"}).out, AllOf(HasSubstr("sqlite"), HasSubstr("images per job")));
  EXPECT_EQ(Objects(MustRun({"info", "--json"})).at(0).at("store"), "sqlite");
}

TEST_F(JobsTest, InfoTellsTheLimits) {
  const std::string text = MustRun({"info"}).out;
  for (const char* line : {"steps per job", "labels per job", "memory per job", "image file",
                           "batch", "response", "calls", "streams", "log level"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(JobsTest, LogLevelIsShownAndSet) {
  EXPECT_EQ(MustRun({"log-level"}).out, "warning\n");
  const Finished set = MustRun({"log-level", "error"});
  EXPECT_EQ(set.out, "error\n");
  EXPECT_THAT(set.err, HasSubstr("was warning"));
  EXPECT_EQ(Objects(MustRun({"log-level", "--json"})).at(0).at("log_level"), "error");
  MustRun({"log-level", "warning"});
  const Finished refused = Run({"log-level", "loud"});
  EXPECT_EQ(refused.exit_code, kUsage);
  EXPECT_THAT(refused.err, HasSubstr("trace, debug, info, warning, error"));
}

TEST_F(JobsTest, ServersOfTheQueueAreListed) {
  const std::string address = server().process().address();
  EXPECT_THAT(Lines(MustRun({"servers"}).out),
              ElementsAre(StartsWith("NAME"), AllOf(HasSubstr(address), HasSubstr("cpu"),
                                                    HasSubstr("models/fashion-mnist-32"))));
  EXPECT_EQ(Objects(MustRun({"servers", "--json"})).at(0).at("address"), address);
}

TEST_F(JobsTest, ServerOptionGoesBeforeTheEnvironment) {
  const std::string address = server().process().address();
  const auto run = [](const std::string& variable, const std::vector<std::string>& arguments) {
    return ChildProcess::Start(TWEEDIE, arguments, {"TWEEDIE_SERVER=" + variable})->Wait();
  };
  EXPECT_EQ(run(address, {"info"}).exit_code, kDone);
  EXPECT_EQ(run("127.0.0.1:1", {"info", "--server", address}).exit_code, kDone);
  EXPECT_EQ(run("127.0.0.1:1", {"info", "--retry-for", "0"}).exit_code, kUnavailable);
}

TEST_F(JobsTest, EveryCommandHasAManual) {
  EXPECT_THAT(MustRun({"--version"}).out, StartsWith("tweedie "));
  EXPECT_THAT(MustRun({"--help"}).out, AllOf(HasSubstr("Exit codes"), HasSubstr("Examples")));
  for (const char* command :
       {"sample",    "denoise", "batch",      "sdedit",  "ald",     "dps",      "ddnm",
        "ddrm",      "pigdm",   "diffpir",    "reddiff", "repaint", "evaluate", "watch",
        "get",       "list",    "cancel",     "delete",  "models",  "servers",  "info",
        "log-level", "top",     "completion", "manual"}) {
    EXPECT_THAT(MustRun({command, "--help"}).out, HasSubstr(command));
  }
}

}  // namespace
}  // namespace tweedie
