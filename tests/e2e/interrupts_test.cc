// Ctrl-C, and a server that restarts under a client.
#include <csignal>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/cli_test.h"
#include "tests/testing/loopback_service.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Whether a set of signals of the process, as /proc writes it, has `signal`.
bool HasSignal(pid_t pid, const std::string& set, int signal) {
  for (const std::string& line : Lines(ReadFile(absl::StrCat("/proc/", pid, "/status")))) {
    if (!absl::StartsWith(line, set + ":")) continue;
    return (std::stoull(line.substr(set.size() + 1), nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  ADD_FAILURE() << "no " << set << " of " << pid;
  return false;
}

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

// Whatever the server does.
TEST(ThirdInterruptTest, EndsTheClientAtOnce) {
  RunningServer server;
  auto child =
      ChildProcess::Start(TWEEDIE, {"--server", server.process().address(), "sample", "-n", "64"});
  ASSERT_TRUE(child->WaitForError("running: "));
  child->Signal(SIGINT);
  ASSERT_TRUE(child->WaitForError("goes on"));
  kill(server.process().pid(), SIGSTOP);
  child->Signal(SIGINT);  // its CancelJob is not answered
  while (HasSignal(child->pid(), "ShdPnd", SIGINT)) continue;
  child->Signal(SIGINT);
  EXPECT_EQ(child->Wait().exit_code, kInterrupted);
  kill(server.process().pid(), SIGCONT);
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
  // A signal that is taken by a thread arrives though it is ignored.
  EXPECT_FALSE(HasSignal(child->pid(), "SigBlk", SIGHUP));
  EXPECT_TRUE(HasSignal(child->pid(), "SigBlk", SIGTERM));
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

// Has a job, and lets nobody watch it.
class UnwatchableService final : public v1::Tweedie::Service {
 public:
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                      v1::Job* job) override {
    job->set_name(request->name());
    job->set_state(v1::Job::RUNNING);
    return grpc::Status::OK;
  }
  grpc::Status WatchJob(grpc::ServerContext*, const v1::WatchJobRequest*,
                        grpc::ServerWriter<v1::WatchJobResponse>*) override {
    return {grpc::StatusCode::UNAVAILABLE, "not now"};
  }
};

TEST(RestartTest, ClientThatGivesUpSaysHowToGoOn) {
  UnwatchableService service;
  const LoopbackService server(&service);
  const Finished finished = ChildProcess::Start(TWEEDIE, {"--server", server.address(),
                                                          "--retry-for", "0", "watch", "jobs/left"})
                                ->Wait();
  EXPECT_EQ(finished.exit_code, kUnavailable);
  EXPECT_THAT(finished.err,
              HasSubstr("jobs/left was not followed to its end. To watch it again: "));
  EXPECT_THAT(finished.err, HasSubstr("watch jobs/left"));
}

}  // namespace
}  // namespace tweedie
