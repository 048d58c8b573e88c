// Names of jobs by Tab, in real shells at a terminal.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/e2e/cli_test.h"
#include "tests/e2e/in_terminal.h"
#include "tests/testing/loopback.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPrompt[] = "type> ";

// A port on which connections come about, and nobody says anything.
class SilentPort {
 public:
  SilentPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    socklen_t size = sizeof(address_);
    auto* const any = reinterpret_cast<sockaddr*>(&address_);
    EXPECT_EQ(bind(socket_, any, size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, any, &size), 0);
  }
  ~SilentPort() { close(socket_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  std::string address() const { return absl::StrCat("127.0.0.1:", ntohs(address_.sin_port)); }

 private:
  const int socket_;
  sockaddr_in address_ = Loopback(0);
};

struct Shell {
  std::string name;
  std::string binary;
  std::vector<std::string> arguments;
  std::string set_up;  // before the script is read
};

class TabTest : public CliTest, public ::testing::WithParamInterface<Shell> {
 protected:
  // A shell at its prompt that completes `tweedie`.
  std::unique_ptr<InTerminal> Open() {
    const std::string script = File("script");
    std::ofstream(script) << MustRun({"completion", GetParam().name}).out;
    const std::string folder = std::filesystem::path(TWEEDIE).parent_path();
    auto shell = std::make_unique<InTerminal>(
        GetParam().binary, GetParam().arguments,
        std::vector<std::string>{"TERM=dumb", "HISTFILE=", absl::StrCat("HOME=", File("")),
                                 absl::StrCat("PATH=", folder, ":/usr/bin:/bin")});
    // In two pieces, or what is typed would be taken for the prompt itself.
    shell->Press(absl::StrCat(GetParam().set_up, " source ", script, "; PS1='ty''pe> '\n"));
    EXPECT_TRUE(shell->WaitFor(kPrompt)) << shell->seen();
    return shell;
  }
  std::string WithServer(const std::string& arguments) {
    return absl::StrCat("tweedie --server ", server().process().address(), " ", arguments);
  }
};

TEST_P(TabTest, JobIsCompletedOfTheServerThatTheLineNames) {
  const std::string name = StartLongJob();
  auto shell = Open();
  shell->Press(WithServer("watch jo\t"));
  EXPECT_TRUE(shell->WaitFor(name.substr(2))) << shell->seen();
  Cancel(name);
}

TEST_P(TabTest, CommandsAndOptionsAreCompleted) {
  auto shell = Open();
  shell->Press("tweedie --server localhost:1 compl\t");
  EXPECT_TRUE(shell->WaitFor("etion")) << shell->seen();
  shell->Press(" \x15tweedie --server=localhost:1 sample --frame-inte\t");
  EXPECT_TRUE(shell->WaitFor("rval")) << shell->seen();
}

TEST_P(TabTest, NothingIsSaidWhereNoServerAnswers) {
  auto shell = Open();
  shell->Press("tweedie --server 127.0.0.1:1 watch \t\x15 echo ali''ve\n");
  EXPECT_TRUE(shell->WaitFor("alive")) << shell->seen();
  EXPECT_THAT(shell->seen(), Not(HasSubstr("tweedie:")));
}

INSTANTIATE_TEST_SUITE_P(
    Shells, TabTest,
    ::testing::Values(Shell{"bash", "/bin/bash", {"--norc", "--noprofile", "-i"}, ""},
                      Shell{"zsh", ZSH, {"-f", "-i"}, "autoload -U compinit; compinit -u -D;"}),
    [](const auto& shell) { return shell.param.name; });

using CompletionJobsTest = CliTest;

TEST_F(CompletionJobsTest, FishAsksForJobs) {
  const std::string name = StartLongJob();
  const std::string script = File("script");
  std::ofstream(script) << MustRun({"completion", "fish"}).out;
  const std::string folder = std::filesystem::path(TWEEDIE).parent_path();
  const std::string address = server().process().address();
  for (const std::string& option :
       {absl::StrCat("--server ", address), absl::StrCat("--server=", address)}) {
    auto fish = ChildProcess::Start(
        FISH,
        {"--no-config", "-c",
         absl::StrCat("source ", script, "; complete -C 'tweedie ", option, " cancel jo'")},
        {absl::StrCat("PATH=", folder, ":/usr/bin:/bin")});
    EXPECT_THAT(fish->Wait().out, HasSubstr(name));
  }
  Cancel(name);
}

TEST_F(CompletionJobsTest, CommandsGetJobsThatTheyCanWorkOn) {
  const std::string done = Lines(MustRun({"sample", "--steps", "2"}).out).at(0);
  const std::string live = StartLongJob();
  EXPECT_THAT(Lines(MustRun({"completion-jobs", "cancel"}).out), ElementsAre(live));
  EXPECT_THAT(Lines(MustRun({"completion-jobs", "watch"}).out), ElementsAre(live));
  EXPECT_THAT(MustRun({"completion-jobs", "get"}).out, HasSubstr(done));
  EXPECT_THAT(MustRun({"completion-jobs", "delete"}).out, HasSubstr(done));
  Cancel(live);
}

TEST_F(CompletionJobsTest, ItIsSilentAndQuickAndHidden) {
  const absl::Time start = absl::Now();
  const SilentPort port;
  const Finished finished = Run({"completion-jobs", "watch", "--server", port.address()});
  EXPECT_LT(absl::Now() - start, absl::Seconds(10)) << "a person waits";
  EXPECT_NE(finished.exit_code, kDone);
  EXPECT_EQ(absl::StrCat(finished.out, finished.err), "");
  EXPECT_THAT(MustRun({"--help"}).out, Not(HasSubstr("completion-jobs")));
}

}  // namespace
}  // namespace tweedie
