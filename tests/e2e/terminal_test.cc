// What a person at a terminal has: the live table, pictures, profiles, and how much is said.
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/cli_test.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kEnter[] = "\x1b[?1049h";
constexpr char kLeave[] = "\x1b[?1049l";

// `tweedie` in a terminal of its own.
class InTerminal {
 public:
  InTerminal(const std::string& server, std::vector<std::string> arguments) {
    winsize size = {};
    size.ws_col = 100;
    size.ws_row = 10;
    arguments.insert(arguments.begin(), TWEEDIE);
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      setenv("TERM", "xterm", 1);
      setenv("TWEEDIE_SERVER", server.c_str(), 1);
      std::vector<char*> words;
      for (std::string& argument : arguments) words.push_back(argument.data());
      words.push_back(nullptr);
      execv(TWEEDIE, words.data());
      _exit(127);
    }
    EXPECT_EQ(tcgetattr(terminal_, &before_), 0);
  }
  ~InTerminal() {
    if (!is_over_) kill(pid_, SIGKILL);
    if (!is_over_) waitpid(pid_, nullptr, 0);
    close(terminal_);
  }

  // Reads until it has written `text` after what was read before; false if it ends first.
  bool WaitFor(const std::string& text) {
    while (seen_.find(text, from_) == std::string::npos) {
      if (!Read()) return false;
    }
    from_ = seen_.size();
    return true;
  }
  void Press(const std::string& keys) {
    EXPECT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void Resize(uint16_t width, uint16_t height) {
    winsize size = {};
    size.ws_col = width;
    size.ws_row = height;
    EXPECT_EQ(ioctl(terminal_, TIOCSWINSZ, &size), 0);
  }
  // The exit code.
  int Wait() {
    while (Read()) continue;
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    is_over_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& seen() const { return seen_; }
  // Whether keys are handled as before it began.
  bool IsAsBefore() const {
    termios now = {};
    return tcgetattr(terminal_, &now) == 0 && now.c_lflag == before_.c_lflag;
  }

 private:
  bool Read() {
    char buffer[4096];
    const ssize_t n = read(terminal_, buffer, sizeof(buffer));
    if (n > 0) seen_.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  int terminal_ = -1;
  pid_t pid_ = -1;
  termios before_ = {};
  std::string seen_;
  size_t from_ = 0;
  bool is_over_ = false;
};

class TerminalTest : public CliTest {
 protected:
  std::string address() { return server().process().address(); }
};

TEST_F(TerminalTest, TopIsLiveAndLeavesAllAsItWas) {
  InTerminal top(address(), {"top"});
  ASSERT_TRUE(top.WaitFor("0 running, 0 queued")) << top.seen();
  const std::string name = StartLongJob();
  ASSERT_TRUE(top.WaitFor("1 running")) << top.seen();
  ASSERT_TRUE(top.WaitFor("step/s")) << "its speed";
  Cancel(name);
  ASSERT_TRUE(top.WaitFor("0 running"));
  top.Press("q");
  EXPECT_EQ(top.Wait(), kDone);
  EXPECT_LT(top.seen().find(kEnter), top.seen().find(kLeave));
  EXPECT_TRUE(top.IsAsBefore());
}

TEST_F(TerminalTest, TopEndsByCtrlC) {
  InTerminal top(address(), {"top"});
  ASSERT_TRUE(top.WaitFor("running"));
  top.Press("\x03");
  EXPECT_EQ(top.Wait(), kDone) << top.seen();
  EXPECT_THAT(top.seen(), HasSubstr(kLeave));
  EXPECT_TRUE(top.IsAsBefore());
}

TEST_F(TerminalTest, TopFitsANewSize) {
  InTerminal top(address(), {"top"});
  ASSERT_TRUE(top.WaitFor("RUNNING  MODELS"));
  top.Resize(12, 10);
  ASSERT_TRUE(top.WaitFor("\x1b[Htweedie at 1\x1b[K")) << "cut to 12 columns";
  top.Resize(100, 10);
  ASSERT_TRUE(top.WaitFor("RUNNING  MODELS"));
  top.Press("q");
  EXPECT_EQ(top.Wait(), kDone);
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
  InTerminal shown(address(), {"sample", "--steps", "2"});
  EXPECT_EQ(shown.Wait(), kDone) << shown.seen();
  EXPECT_THAT(shown.seen(), AllOf(HasSubstr("\u2580"), HasSubstr("\x1b[38;2;")));
  EXPECT_TRUE(shown.IsAsBefore()) << "it was asked for sixels";
  EXPECT_THAT(MustRun({"sample", "--steps", "2"}).err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(MustRun({"sample", "--steps", "2", "--preview", "kitty"}).err,
              HasSubstr("\x1b_Ga=T,f=100"));
  EXPECT_THAT(MustRun({"sample", "--steps", "2", "--preview", "sixel"}).err, HasSubstr("\x1bP0;1"));
}

TEST_F(TerminalTest, TerminalThatHasSixelsGetsThem) {
  InTerminal shown(address(), {"sample", "--steps", "2"});
  shown.Press("\x1b[?62;4;22c");  // waits until it asks
  EXPECT_EQ(shown.Wait(), kDone);
  EXPECT_THAT(shown.seen(), HasSubstr("\x1bP0;1"));
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
