// 200 watchers of all kinds, who stop reading, leave and resume at random, through 20
// restarts of the server, by kill -9 and by SIGTERM (reliability.md, R9): what each
// received keeps the contract (watch_rules.h), no two contradict each other, and all are
// told the ends of their jobs.
//
// The count is of runs of that; where none is given, of 5 with 4 restarts each. What the
// watchers do is drawn from the number of the run. The control: a server that forgets is
// noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/chaos/watch_swarm.h"
#include "tests/chaos/workload.h"
#include "tests/testing/watch_rules.h"

namespace tweedie {
namespace {

constexpr int kWatchers = 200;
constexpr int kLiveJobs = 4;
constexpr int kMessagesALife = 2000;

// Check HasFatalFailure() after it.
void Restart(Victim& server, int times, WatchSwarm& swarm, std::mt19937_64& random) {
  for (int restart = 0; restart < times; ++restart) {
    ASSERT_TRUE(swarm.AwaitServed(kWatchers / 2, kMessagesALife)) << "the run is void";
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 200));  // the fault
    random() % 4 == 0 ? server.TerminateAndRestart() : server.KillAndRestart();
    if (testing::Test::HasFatalFailure()) return;
  }
}

void ExpectNotVoid(const WatchSwarm& swarm, int restarts) {
  const ReaderMoods::Figures figures = swarm.figures();
  std::printf("%ld messages, %ld pauses, %ld leaves, %ld broken streams, %ld events merged\n",
              figures.messages, figures.pauses, figures.leaves, figures.broken, swarm.merged());
  EXPECT_GT(figures.messages, restarts * kMessagesALife);
  EXPECT_GT(figures.pauses, 10 * restarts);
  EXPECT_GT(figures.leaves, 5 * restarts);
  EXPECT_GT(figures.broken, restarts * kWatchers / 2);
}

TEST(WatchersTest, ContractHoldsThroughRestarts) {
  const int runs = ChaosCount(5);
  const int restarts = ChaosCount(0) > 0 ? 20 : 4;
  int64_t merged = 0;
  Victim server;
  for (int run = 0; run < runs; ++run) {
    SCOPED_TRACE(absl::StrCat("run ", run));
    std::mt19937_64 random(run);
    PatientClients clients({server.address()});
    LiveJobs jobs(&clients, run, kLiveJobs);
    WatchSwarm swarm(server.address(), &jobs, kWatchers, run);
    Restart(server, restarts, swarm, random);
    if (HasFatalFailure()) return;
    ASSERT_TRUE(swarm.Finish()) << "somebody is not told the end";
    EXPECT_THAT(swarm.Violations(), testing::IsEmpty());
    ExpectNotVoid(swarm, restarts);
    merged += swarm.merged();
  }
  EXPECT_GT(merged, 0) << "the runs are void: nobody was slow";
  EXPECT_EQ(server.Stop(), 0);
}

// Watches job-0 through the loss of all that the server knew.
TEST(WatchersTest, ControlAServerThatForgetsIsNoticed) {
  Victim server;
  PatientClients clients({server.address()});
  v1::CreateJobRequest create = SampleRequest(1, 1000, 1);
  create.set_job_id("job-0");
  clients.Create(0, create);
  WatchHistory history(JobName(0));
  for (int life = 0; life < 2; ++life) {
    v1::WatchJobRequest request;
    request.set_name(history.name());
    request.set_after_sequence(history.last_sequence());
    history.Open(request);
    history.End(clients.at(0).Watch(request, [&](const v1::WatchJobResponse& event) {
      history.Receive(event);
      return !event.has_progress();
    }));
    if (life == 1) break;
    server.KillAndForget();
    clients.Create(0, create);
  }
  EXPECT_THAT(Violations(history), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace tweedie
