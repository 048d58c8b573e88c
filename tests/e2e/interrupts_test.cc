// Ctrl-C, and a server that restarts under a client.
#include <csignal>

#include "tests/e2e/cli_test.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InterruptsTest : public CliTest {
 protected:
  // A client that follows a long job, which runs.
  std::unique_ptr<ChildProcess> FollowLongJob(const std::string& id) {
    auto child = Start({"sample", "-n", "64", "--id", id});
    EXPECT_TRUE(child->WaitForError("running: ")) << child->Wait().err;
    return child;
  }
};

TEST_F(InterruptsTest, CtrlCLeavesTheJobRunningAndSaysHowToGoOn) {
  auto child = FollowLongJob("job-that-goes-on");
  child->Signal(SIGINT);
  const Finished finished = child->Wait();
  EXPECT_EQ(finished.exit_code, kInterrupted);
  EXPECT_THAT(finished.err, HasSubstr("jobs/job-that-goes-on goes on"));
  EXPECT_THAT(finished.err, HasSubstr("tweedie watch jobs/job-that-goes-on"));
  EXPECT_EQ(StateOf("jobs/job-that-goes-on"), v1::Job::RUNNING);
  Cancel("jobs/job-that-goes-on");
}

TEST_F(InterruptsTest, SecondCtrlCCancelsTheJob) {
  auto child = FollowLongJob("job-to-be-cancelled");
  child->Signal(SIGINT);
  ASSERT_TRUE(child->WaitForError("goes on")) << child->Wait().err;
  child->Signal(SIGINT);
  const Finished finished = child->Wait();
  EXPECT_EQ(finished.exit_code, kCancelled);
  EXPECT_THAT(finished.err, HasSubstr("jobs/job-to-be-cancelled is cancelled"));
  v1::Job job;
  EXPECT_TRUE(client().WaitForEnd("jobs/job-to-be-cancelled", &job).ok());
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
}

TEST_F(InterruptsTest, CtrlCEndsTheTriesForAServerThatIsNotThere) {
  auto child = Start({"info", "--server", "127.0.0.1:1", "--retry-for", "600"});
  ASSERT_TRUE(child->WaitForError("trying again"));
  child->Signal(SIGINT);
  const Finished finished = child->Wait();
  EXPECT_EQ(finished.exit_code, kInterrupted);
  EXPECT_THAT(finished.err, HasSubstr("tweedie: interrupted"));
}

TEST_F(InterruptsTest, NohupKeepsItsMeaning) {
  const std::string name = StartLongJob();
  auto child = ChildProcess::Start("/usr/bin/nohup", {TWEEDIE, "watch", name},
                                   {"TWEEDIE_SERVER=" + server().process().address()});
  ASSERT_TRUE(child->WaitForError("running: "));
  child->Signal(SIGHUP);
  Cancel(name);
  EXPECT_EQ(child->Wait().exit_code, kCancelled);
}

// The address must stay, so it is a socket's path.
TEST(RestartTest, ClientFollowsItsJobThroughARestartOfTheServer) {
  const TempFolder folder;
  const std::string address = "unix:" + folder.File("socket");
  RunningServer server({"--listen", address});
  auto child = ChildProcess::Start(
      TWEEDIE, {"--server", address, "sample", "-n", "2", "--steps", "300", "--id", "survivor"});
  ASSERT_TRUE(child->WaitForError("running: "));
  EXPECT_EQ(server.Terminate(), 0);
  server.Start();
  const Finished finished = child->Wait();
  EXPECT_EQ(finished.exit_code, kDone) << finished.err;
  EXPECT_THAT(Lines(finished.out), ElementsAre("jobs/survivor"));
  EXPECT_THAT(finished.err, HasSubstr("trying again"));
}

}  // namespace
}  // namespace tweedie
