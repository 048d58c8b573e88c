// kill -9 of a server under load (reliability.md, R1): nothing acknowledged is
// lost, no job finishes twice, every result has the bits of an undisturbed run,
// and watchers see what the contract says (watch_rules.h). Each kill meets 50 jobs in
// flight and 20 submits a second. Every other one waits until somebody has got
// further: three in a row that do not let a job go on are one that kills the server,
// as far as that can tell.
//
// The count is of kills. The controls: what a server forgets, what it does with
// another seed, and what changes after its end is noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/sqlite_audit.h"
#include "tests/chaos/workload.h"
#include "tests/testing/jobs_watch_history.h"

namespace tweedie {
namespace {

// Waits until some job has made three steps in this life of the server: whoever
// runs first after a kill has a checkpoint further on then. A job that is killed
// again and again before that does not go on, and is rightly quarantined.
void WaitForProgress(TestClient& client) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::WatchJobsRequest request;
  request.set_include_progress(true);
  JobsWatchHistory history(request);
  history.Open();
  auto reader = client.stub().WatchJobs(&context, request);
  std::map<std::string, std::set<int>> steps;
  v1::WatchJobsResponse event;
  for (bool listed = false; reader->Read(&event);) {
    history.Receive(event);
    listed = listed || event.listing_complete();
    if (!listed || event.job().state() != v1::Job::RUNNING) continue;
    std::set<int>& seen = steps[event.job().name()];
    seen.insert(event.job().progress().step());
    if (seen.size() > 3) break;
  }
  context.TryCancel();
  history.Leave();
  while (reader->Read(&event)) history.Receive(event);
  history.End(reader->Finish());
  EXPECT_THAT(history.violations(), testing::IsEmpty());
}

TEST(KillServerTest, NothingAcknowledgedIsLostAndEveryResultIsAsUndisturbed) {
  const int kills = ChaosCount(30);
  const std::vector<v1::CreateJobRequest> workload = Workload(Load::kInFlight, 30);

  Victim victim;
  const SqliteAudit audit(victim.data_dir() + "/queue.sqlite");
  PatientClients clients({victim.address()});
  Load load(clients, workload);
  std::mt19937 random(std::random_device{}());
  for (int k = 0; k < kills; ++k) {
    ASSERT_TRUE(load.AwaitTraffic()) << "the run is void: too little was in flight";
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1000));  // the fault
    if (k % 2 == 1) WaitForProgress(clients.at(0));
    victim.KillAndRestart();
    ASSERT_FALSE(HasFatalFailure());
  }
  const int jobs = load.Join();
  EXPECT_THAT(clients.Deviations(UndisturbedResults(workload), jobs), testing::IsEmpty());
  EXPECT_EQ(victim.Stop(), 0);
  EXPECT_EQ(audit.jobs(), jobs);
  EXPECT_EQ(audit.changes_after_the_end(), 0);
}

// Kills the server once among four jobs. What deviates from `expected`.
std::vector<std::string> DeviationsOfFour(const std::vector<std::string>& expected,
                                          uint64_t more_to_seeds, void (Victim::*kill)()) {
  Victim victim;
  PatientClients clients({victim.address()});
  for (v1::CreateJobRequest request : Workload(4, 200)) {
    v1::Job& job = *request.mutable_job();
    job.set_seed(job.seed() + more_to_seeds);
    clients.Create(0, request);
  }
  (victim.*kill)();
  return clients.Deviations(expected);
}

TEST(KillServerTest, ControlJobsThatAreForgottenOrNotTheSameAreNoticed) {
  const std::vector<std::string> expected = UndisturbedResults(Workload(4, 200));
  EXPECT_THAT(DeviationsOfFour(expected, 0, &Victim::KillAndRestart), testing::IsEmpty());
  EXPECT_THAT(DeviationsOfFour(expected, 0, &Victim::KillAndForget), testing::SizeIs(4));
  // Those with noise.
  EXPECT_THAT(DeviationsOfFour(expected, 1, &Victim::KillAndRestart),
              testing::SizeIs(testing::Ge(3u)));
}

TEST(KillServerTest, ControlJobsThatChangeAfterTheirEndAreNoticed) {
  Victim victim;
  const SqliteAudit audit(victim.data_dir() + "/queue.sqlite");
  PatientClients clients({victim.address()});
  const std::vector<v1::CreateJobRequest> requests = Workload(4, 20);
  for (const v1::CreateJobRequest& request : requests) clients.Create(0, request);
  EXPECT_THAT(clients.Deviations(UndisturbedResults(requests)), testing::IsEmpty());
  EXPECT_EQ(victim.Stop(), 0);
  EXPECT_EQ(audit.changes_after_the_end(), 0);
  audit.EndAgain("job-1");
  EXPECT_EQ(audit.changes_after_the_end(), 1);
}

}  // namespace
}  // namespace tweedie
