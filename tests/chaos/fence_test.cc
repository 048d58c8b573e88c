// A server that stands still beyond its lease and wakes up (reliability.md, R4,
// R18): its job is another's by then, and whatever it writes is refused. The
// controls: without the fence an ended job is changed, and without heartbeats a
// job that nobody disturbs is taken away.
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/ids.h"
#include "tests/chaos/audit.h"
#include "tests/testing/postgres_cluster.h"
#include "tests/testing/running_server.h"
#include "tests/testing/scoped_environment.h"

namespace tweedie {
namespace {

std::unique_ptr<RunningServer> StartServer(std::vector<std::string> more,
                                           const std::string& failpoints) {
  const ScopedFailpoints armed(failpoints);
  return std::make_unique<RunningServer>(std::move(more));
}

// --- The fence ------------------------------------------------------------

class FenceTest : public testing::Test {
 protected:
  std::unique_ptr<RunningServer> StartMember(const std::string& name,
                                             const std::string& failpoints) const {
    return StartServer({"--database", PostgresCluster::Shared().connection(), "--database-schema",
                        schema_, "--server-name", name, "--lease-seconds", "3"},
                       failpoints);
  }

  // One server runs a job, stands still until another has ended it, wakes up, and
  // is drained. How often the job was changed after its end.
  int ChangesByAServerThatWakesUp(const std::string& failpoints) {
    const auto sleeper = StartMember("sleeper", failpoints);
    const Audit audit(schema_);
    audit.DropChecks();  // the fence alone is tested
    v1::Job job;
    EXPECT_TRUE(sleeper->client().Create(SampleRequest(1, 600, 1), &job).ok());
    EXPECT_TRUE(sleeper->client().WaitForStep(job.name(), 100).ok());
    kill(sleeper->process().pid(), SIGSTOP);
    const auto other = StartMember("other", "");
    EXPECT_TRUE(other->client().WaitForEnd(job.name(), &job).ok());
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    EXPECT_EQ(job.attempt(), 2) << "the run is void: the job did not move";
    kill(sleeper->process().pid(), SIGCONT);
    EXPECT_EQ(sleeper->Terminate(), 0);
    EXPECT_EQ(other->Terminate(), 0);
    return audit.changes_after_the_end();
  }

  const std::string schema_ = "fence_" + RandomId(12);
};

TEST_F(FenceTest, WritesOfAServerThatLostItsLeaseAreRefused) {
  EXPECT_EQ(ChangesByAServerThatWakesUp(""), 0);
}

TEST_F(FenceTest, ControlWithoutTheFenceAnEndedJobIsChanged) {
  EXPECT_GT(ChangesByAServerThatWakesUp("fence=error@0"), 0);
}

// --- The heartbeat --------------------------------------------------------

// The attempt in which a job of several leases ends, or is taken away.
int AttemptOfALongJob(const std::string& failpoints) {
  const auto server = StartServer({"--lease-seconds", "2"}, failpoints);
  v1::Job job;
  EXPECT_TRUE(server->client().Create(SampleRequest(16, 300, 1), &job).ok());
  int attempt = 0;
  v1::WatchJobRequest request;
  request.set_name(job.name());
  (void)server->client().Watch(request, [&](const v1::WatchJobResponse& event) {
    if (event.has_job()) attempt = event.job().attempt();
    return attempt < 2;
  });
  EXPECT_TRUE(server->client().Get(job.name(), &job).ok());
  if (attempt == 1) {
    EXPECT_GT(job.end_time().seconds() - job.start_time().seconds(), 4) << "the run is void";
  }
  return attempt;
}

TEST(HeartbeatTest, AJobOfSeveralLeasesRunsInOneAttempt) { EXPECT_EQ(AttemptOfALongJob(""), 1); }

TEST(HeartbeatTest, ControlWithoutHeartbeatsItIsTakenAway) {
  EXPECT_GT(AttemptOfALongJob("heartbeat.before=error@0"), 1);
}

}  // namespace
}  // namespace tweedie
