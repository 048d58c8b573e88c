// What cannot be done: the exit code tells the kind, the message the cause.
#include <filesystem>

#include "tests/e2e/cli_test.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kImage[] = TWEEDIE_SOURCE_DIR "/data/fashion-mnist-test/0000.png";

class FailuresTest : public CliTest {};

// The exit code, and a matcher of what is said on standard error.
MATCHER_P2(FailsWith, exit_code, message, "fails with that exit code and message") {
  *result_listener << "exit code " << arg.exit_code << ", out '" << arg.out << "', err '" << arg.err
                   << "'";
  return arg.exit_code == exit_code &&
         ::testing::SafeMatcherCast<std::string>(message).Matches(arg.err);
}

TEST_F(FailuresTest, WrongOptions) {
  EXPECT_THAT(Run({}), FailsWith(kUsage, HasSubstr("subcommand")));
  EXPECT_THAT(Run({"sample", "--colour", "red"}), FailsWith(kUsage, HasSubstr("--colour")));
  EXPECT_THAT(Run({"sample", "--process", "magic"}), FailsWith(kUsage, HasSubstr("magic")));
  EXPECT_THAT(Run({"sample", "--label", "novalue"}), FailsWith(kUsage, HasSubstr("novalue")));
  EXPECT_THAT(Run({"list", "--state", "asleep"}), FailsWith(kUsage, HasSubstr("asleep")));
}

TEST_F(FailuresTest, ValuesThatTheServerRefusesAreNamedByTheirField) {
  EXPECT_THAT(Run({"sample", "--steps", "5000"}), FailsWith(kUsage, HasSubstr("num_steps")));
  EXPECT_THAT(Run({"denoise", kImage, "--timestep", "1000"}),
              FailsWith(kUsage, AllOf(HasSubstr("timestep"), HasSubstr("1000"))));
}

TEST_F(FailuresTest, UnknownNames) {
  EXPECT_THAT(Run({"sample", "--model", "nosuch"}), FailsWith(kNotFound, HasSubstr("nosuch")));
  EXPECT_THAT(Run({"get", "jobs/nosuchjob"}), FailsWith(kNotFound, HasSubstr("nosuchjob")));
  EXPECT_THAT(Run({"watch", "jobs/nosuchjob"}), FailsWith(kNotFound, HasSubstr("nosuchjob")));
}

TEST_F(FailuresTest, ServerThatIsNotThere) {
  EXPECT_THAT(Run({"info", "--server", "127.0.0.1:1", "--retry-for", "0"}),
              FailsWith(kUnavailable, HasSubstr("127.0.0.1:1")));
}

TEST_F(FailuresTest, TriesAreTold) {
  EXPECT_THAT(Run({"info", "--server", "127.0.0.1:1", "--retry-for", "0.3"}),
              FailsWith(kUnavailable, HasSubstr("trying again")));
}

TEST_F(FailuresTest, IdThatIsTaken) {
  MustRun({"sample", "--steps", "1", "--id", "taken-id", "--detach"});
  EXPECT_THAT(Run({"sample", "--steps", "2", "--id", "taken-id"}),
              FailsWith(kPrecondition, HasSubstr("taken-id")));
}

TEST_F(FailuresTest, BadImageFilesAreNamed) {
  std::ofstream(File("text.png")) << "no picture at all";
  std::ofstream(File("cut.png"), std::ios::binary) << ReadFile(kImage).substr(0, 100);
  for (const char* name : {"text.png", "cut.png", "missing.png"}) {
    EXPECT_THAT(Run({"denoise", kImage, File(name), "--timestep", "9"}),
                FailsWith(kLocalFile, HasSubstr(File(name))));
  }
  std::filesystem::create_directory(File("empty"));
  EXPECT_THAT(Run({"denoise", File("empty"), "--timestep", "9"}),
              FailsWith(kLocalFile, HasSubstr(File("empty"))));
}

TEST_F(FailuresTest, OutputThatCannotBeWritten) {
  std::ofstream(File("file")) << "in the way";
  EXPECT_THAT(Run({"sample", "--steps", "1", "--out", File("file")}),
              FailsWith(kLocalFile, HasSubstr(File("file"))));
}

TEST_F(FailuresTest, StandardOutputThatCannotBeWritten) {
  for (const char* command : {"list", "list --json"}) {
    const Finished finished =
        ChildProcess::Start("/bin/sh", {"-c", absl::StrCat(TWEEDIE " ", command, " > /dev/full")},
                            {"TWEEDIE_SERVER=" + server().process().address()})
            ->Wait();
    EXPECT_THAT(finished, FailsWith(kLocalFile, HasSubstr("standard output: No space left")));
  }
}

TEST_F(FailuresTest, ImagesOfAJobThatHasNotSucceeded) {
  const std::string name = StartLongJob();
  EXPECT_THAT(Run({"get", name, "--out", File("out")}),
              FailsWith(kPrecondition, StartsWith("tweedie: ")));
  EXPECT_FALSE(std::filesystem::exists(File("out")));
  Cancel(name);
}

// Its input is damaged on the server's disk while it waits in the queue.
TEST(FailedJobTest, IsReportedWithItsCause) {
  RunningServer server({"--max-running-jobs", "1"});
  const auto run = [&](const std::vector<std::string>& arguments) {
    return ChildProcess::Start(TWEEDIE, arguments, {"TWEEDIE_SERVER=" + server.process().address()})
        ->Wait();
  };
  const std::string ahead = Lines(run({"sample", "-n", "64", "--detach"}).out).at(0);
  const std::string name = Lines(run({"denoise", kImage, "--timestep", "9", "--detach"}).out).at(0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(server.data_dir())) {
    if (entry.is_regular_file() && entry.path().string().find("/blobs/") != std::string::npos) {
      std::ofstream(entry.path()) << "damaged";
    }
  }
  EXPECT_EQ(run({"cancel", ahead}).exit_code, kDone);
  const Finished watched = run({"watch", name});
  EXPECT_THAT(watched, FailsWith(kFailed, HasSubstr(name + " failed: ")));
  EXPECT_EQ(server.Terminate(), 0);
}

// --- A full queue -------------------------------------------------------------

TEST(FullQueueTest, ClientsWaitForRoomAndFinish) {
  RunningServer server({"--max-queued-jobs", "1", "--max-running-jobs", "1"});
  const auto start = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"sample", "--retry-for", "0", "--steps"});
    return ChildProcess::Start(TWEEDIE, options, {"TWEEDIE_SERVER=" + server.process().address()});
  };
  std::vector<std::unique_ptr<ChildProcess>> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(start({"100"}));
  for (auto& client : clients) {
    const Finished finished = client->Wait();
    EXPECT_EQ(finished.exit_code, kDone) << finished.err;
  }
  for (int i = 0; i < 2; ++i) EXPECT_EQ(start({"1000", "--detach"})->Wait().exit_code, kDone);
  EXPECT_THAT(start({"1", "--wait-for", "0"})->Wait(), FailsWith(kExhausted, HasSubstr("full")));
}

}  // namespace
}  // namespace tweedie
