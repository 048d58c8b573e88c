// What a person at a terminal has: the live table, pictures, profiles, and how much is said.
#include <csignal>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/cli_test.h"
#include "tests/e2e/in_terminal.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kEnter[] = "\x1b[?1049h";
constexpr char kLeave[] = "\x1b[?1049l";
constexpr char kBlock[] = "\u2580";
constexpr char kErasePicture[] = "\r\x1b[K\x1b[6A\x1b[J";
constexpr char kShowCursor[] = "\x1b[?25h";

class TerminalTest : public CliTest {
 protected:
  std::string address() { return server().process().address(); }
  // `tweedie` in a terminal of its own.
  std::unique_ptr<InTerminal> Show(const std::vector<std::string>& arguments) {
    return std::make_unique<InTerminal>(
        TWEEDIE, arguments,
        std::vector<std::string>{"TERM=xterm", absl::StrCat("TWEEDIE_SERVER=", address())});
  }
};

TEST_F(TerminalTest, TopIsLiveAndLeavesAllAsItWas) {
  auto top = Show({"top"});
  ASSERT_TRUE(top->WaitFor("0 running, 0 queued")) << top->seen();
  const std::string name = StartLongJob();
  ASSERT_TRUE(top->WaitFor("1 running")) << top->seen();
  ASSERT_TRUE(top->WaitFor("step/s")) << "its speed";
  Cancel(name);
  ASSERT_TRUE(top->WaitFor("0 running"));
  top->Press("q");
  EXPECT_EQ(top->Wait(), kDone);
  EXPECT_LT(top->seen().find(kEnter), top->seen().find(kLeave));
  EXPECT_TRUE(top->IsAsBefore());
}

TEST_F(TerminalTest, TopEndsByCtrlC) {
  auto top = Show({"top"});
  ASSERT_TRUE(top->WaitFor("running"));
  top->Press("\x03");
  EXPECT_EQ(top->Wait(), kDone) << top->seen();
  EXPECT_THAT(top->seen(), HasSubstr(kLeave));
  EXPECT_TRUE(top->IsAsBefore());
}

TEST_F(TerminalTest, SignalsThatEndTopLeaveTheTerminalAsItWas) {
  for (const int signal : {SIGTERM, SIGHUP, SIGQUIT}) {
    auto top = Show({"top"});
    ASSERT_TRUE(top->WaitFor("running"));
    ASSERT_FALSE(top->IsAsBefore());
    top->Signal(signal);
    EXPECT_EQ(top->Wait(), 128 + signal) << "it dies of the signal, as others do";
    EXPECT_THAT(top->seen(), EndsWith(absl::StrCat(kShowCursor, kLeave))) << signal;
    EXPECT_TRUE(top->IsAsBefore()) << signal;
  }
}

TEST_F(TerminalTest, TopIsNotStoppedByCtrlZ) {
  auto top = Show({"top"});
  ASSERT_TRUE(top->WaitFor("running"));
  top->Press("\x1a");
  top->Press("\x04");  // Ctrl-D
  EXPECT_EQ(top->Wait(), kDone);
  EXPECT_TRUE(top->IsAsBefore());
}

TEST_F(TerminalTest, TopFitsANewSize) {
  auto top = Show({"top"});
  ASSERT_TRUE(top->WaitFor("RUNNING  MODELS"));
  top->Resize(12, 10);
  ASSERT_TRUE(top->WaitFor("\x1b[Htweedie at 1\x1b[K")) << "cut to 12 columns";
  top->Resize(100, 10);
  ASSERT_TRUE(top->WaitFor("RUNNING  MODELS"));
  top->Press("q");
  EXPECT_EQ(top->Wait(), kDone);
}

TEST_F(TerminalTest, TopIsPrintedOnceWhereItIsNoTerminal) {
  const std::string name = StartLongJob();
  const Finished finished = MustRun({"top"});
  EXPECT_THAT(finished.out, AllOf(StartsWith("tweedie at "), HasSubstr(name), HasSubstr("SERVER"),
                                  Not(HasSubstr("\x1b"))));
  EXPECT_EQ(Objects(MustRun({"top", "--json"})).at(1).at("name"), name);
  Cancel(name);
}

TEST_F(TerminalTest, ResultIsShownAsBlocks) {
  const std::string name = Lines(MustRun({"sample", "--steps", "2"}).out).at(0);
  auto shown = Show({"get", name});
  EXPECT_EQ(shown->Wait(), kDone) << shown->seen();
  EXPECT_THAT(shown->seen(), AllOf(HasSubstr("\u2580"), HasSubstr("\x1b[38;2;")));
  EXPECT_TRUE(shown->IsAsBefore()) << "it was asked for sixels";
  EXPECT_THAT(MustRun({"sample", "--steps", "2"}).err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(MustRun({"sample", "--steps", "2", "--preview", "kitty"}).err,
              HasSubstr("\x1b_Ga=T,f=100"));
  EXPECT_THAT(MustRun({"sample", "--steps", "2", "--preview", "sixel"}).err, HasSubstr("\x1bP0;1"));
}

// In 10 lines 34 rows of pixels become 6 lines.
TEST_F(TerminalTest, NewestFrameIsDrawnOverTheOneBefore) {
  const std::string name = StartLongJob();
  auto shown = Show({"watch", name, "--frame-interval", "1"});
  ASSERT_TRUE(shown->WaitFor(kBlock)) << shown->seen();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(shown->WaitFor(kErasePicture)) << shown->seen();
    ASSERT_TRUE(shown->WaitFor(kBlock)) << shown->seen();
  }
  Cancel(name);
  EXPECT_EQ(shown->Wait(), kCancelled);
  EXPECT_GT(shown->seen().rfind(kErasePicture), shown->seen().rfind(kBlock)) << "it stays";
}

TEST_F(TerminalTest, FramesAreShownOnlyWhereTheyAreWanted) {
  const std::vector<std::string> sample = {"sample", "--steps", "3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), sample.begin(), sample.end());
    return more;
  };
  auto without = Show(with({"--preview", "none"}));
  EXPECT_EQ(without->Wait(), kDone);
  auto quiet = Show(with({"--quiet"}));
  EXPECT_EQ(quiet->Wait(), kDone);
  auto json = Show(with({"--json"}));
  EXPECT_EQ(json->Wait(), kDone);
  for (const auto* shown : {without.get(), quiet.get(), json.get()}) {
    EXPECT_THAT(shown->seen(), AllOf(Not(HasSubstr(kBlock)), Not(HasSubstr("\"frame\""))));
  }
  EXPECT_THAT(MustRun(with({"--preview", "blocks"})).err, Not(HasSubstr("\x1b[J")));
}

// Estimates are shown, and must not be taken for the states that are written.
TEST_F(TerminalTest, FramesThatAreShownAreNotWritten) {
  const auto sample = [&](const std::string& folder) {
    return std::vector<std::string>{"sample", "--steps",      "4",          "--seed",
                                    "1",      "--frames",     File(folder), "--frame-interval",
                                    "2",      "--frame-kind", "x_t"};
  };
  MustRun(sample("alone"));
  auto shown = Show(sample("shown"));
  EXPECT_EQ(shown->Wait(), kDone) << shown->seen();
  EXPECT_THAT(shown->seen(), HasSubstr(kBlock));
  EXPECT_EQ(ReadFile(File("shown/step_0002.png")), ReadFile(File("alone/step_0002.png")));
}

TEST_F(TerminalTest, SignalThatEndsAWatchTakesThePictureAway) {
  const std::string name = StartLongJob();
  auto shown = Show({"watch", name, "--frame-interval", "1"});
  ASSERT_TRUE(shown->WaitFor(kBlock));
  shown->Signal(SIGTERM);
  EXPECT_EQ(shown->Wait(), 128 + SIGTERM);
  EXPECT_THAT(shown->seen(), EndsWith(kErasePicture));
  EXPECT_EQ(StateOf(name), v1::Job::RUNNING);
  Cancel(name);
}

TEST_F(TerminalTest, TerminalThatHasSixelsGetsThem) {
  auto shown = Show({"sample", "--steps", "2"});
  shown->Press("\x1b[?62;4;22c");  // waits until it asks
  EXPECT_EQ(shown->Wait(), kDone);
  EXPECT_THAT(shown->seen(), HasSubstr("\x1bP0;1"));
}

TEST_F(TerminalTest, QuietSaysResultsAndErrorsAlone) {
  const Finished quiet = MustRun({"sample", "--steps", "2", "--out", File("out"), "--quiet"});
  EXPECT_EQ(quiet.err, "");
  EXPECT_THAT(quiet.out, StartsWith("jobs/"));
  EXPECT_THAT(Run({"get", "jobs/nowhere", "-q"}).err, StartsWith("tweedie: "));
  EXPECT_EQ(Run({"info", "-q", "-v"}).exit_code, kUsage);
}

TEST_F(TerminalTest, VerboseSaysWhatTheServerChose) {
  EXPECT_THAT(MustRun({"sample", "--steps", "2", "-v"}).err,
              AllOf(HasSubstr("server " + address()), HasSubstr("seed ")));
}

TEST_F(TerminalTest, WaitingIsAskedForOrNot) {
  const std::string name = StartLongJob();
  EXPECT_THAT(MustRun({"cancel", name, "--wait", "--json"}).out, HasSubstr("CANCELLED"));
  const std::string quick = Lines(MustRun({"sample", "--steps", "20", "--detach"}).out).at(0);
  EXPECT_EQ(Objects(MustRun({"get", quick, "--wait", "--json"})).at(0).at("state"), "SUCCEEDED");
  EXPECT_EQ(Run({"sample", "--wait", "--detach"}).exit_code, kUsage);
  EXPECT_THAT(Lines(MustRun({"sample", "--steps", "2", "--wait"}).out).at(0), StartsWith("jobs/"));
}

TEST_F(TerminalTest, BatchMayBeSubmittedNowAndFetchedLater) {
  std::ofstream(File("jobs.jsonl")) << "{\"command\": \"sample --steps 2\", \"name\": \"a\"}\n"
                                    << "{\"command\": \"sample --steps 3\", \"name\": \"b\"}\n";
  const std::vector<std::string> batch = {"batch", File("jobs.jsonl"), "--out", File("out")};
  std::vector<std::string> detached = batch;
  detached.push_back("--detach");
  EXPECT_EQ(MustRun(detached).out, "2 jobs: 0 done, 2 submitted\n");
  EXPECT_FALSE(fs::exists(File("out/a")));
  EXPECT_EQ(MustRun(batch).out, "2 jobs: 2 done\n");
  EXPECT_TRUE(fs::exists(File("out/b/0000.png")));
}

TEST_F(TerminalTest, ProfileNamesTheServer) {
  fs::create_directories(File("tweedie"));
  std::ofstream(File("tweedie/config")) << "[lab]\nserver = " << address() << "\n"
                                        << "[wrong]\nserver = x\ntoken = secret\n";
  const auto run = [&](const std::vector<std::string>& arguments) {
    return ChildProcess::Start(TWEEDIE, arguments, {"XDG_CONFIG_HOME=" + File("")})->Wait();
  };
  const Finished wrong = run({"info", "--profile", "lab"});
  EXPECT_EQ(wrong.exit_code, kLocalFile);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("config:5: "), Not(HasSubstr("secret"))));
  std::ofstream(File("tweedie/config")) << "[lab]\nserver = " << address() << "\n";
  EXPECT_THAT(run({"info", "--profile", "lab", "-v"}).err, HasSubstr("server " + address()));
  EXPECT_EQ(run({"info", "--profile", "lab"}).exit_code, kDone);
}

}  // namespace
}  // namespace tweedie
