// Several servers on one PostgreSQL (reliability.md, R1, R4, R29): servers are
// killed, or stand still beyond their leases and wake up again, and the database
// crashes; nothing acknowledged is lost, nothing finishes twice, every result has
// the bits of an undisturbed run, watchers see what the contract says
// (watch_rules.h), and the jobs of a server that died go on within a lease and five
// seconds. Each fault meets 50 jobs in flight and 20 submits a second.
//
// The count is of faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/ids.h"
#include "tests/chaos/audit.h"
#include "tests/chaos/workload.h"
#include "tests/testing/postgres_cluster.h"

namespace tweedie {
namespace {

constexpr std::chrono::seconds kLease(3);

// The parameter is how many servers there are.
class ServersTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    for (int i = 0; i < GetParam(); ++i) {
      servers_.push_back(std::make_unique<Victim>(std::vector<std::string>{
          "--database", PostgresCluster::Shared().connection(), "--database-schema", schema_,
          "--server-name", absl::StrCat("server-", i), "--lease-seconds",
          absl::StrCat(kLease.count())}));
      ASSERT_FALSE(HasFatalFailure());
    }
  }

  std::vector<std::string> addresses() const {
    std::vector<std::string> addresses;
    for (const auto& server : servers_) addresses.push_back(server->address());
    return addresses;
  }
  // Check HasFatalFailure() after it.
  void Fault(int kind) {
    Victim& victim = *servers_[random_() % servers_.size()];
    if (kind % 3 == 0) return victim.KillAndRestart();
    if (kind % 3 == 1) return victim.Suspend(kLease * 2);
    PostgresCluster::Shared().Crash();
    ASSERT_TRUE(PostgresCluster::Shared().Restart().ok());
  }

  const std::string schema_ = "chaos_" + RandomId(12);
  std::vector<std::unique_ptr<Victim>> servers_;
  std::mt19937 random_{std::random_device{}()};
};

TEST_P(ServersTest, NothingIsLostAndEveryResultIsAsUndisturbed) {
  const int faults = ChaosCount(6);
  const std::vector<v1::CreateJobRequest> workload = Workload(Load::kInFlight, 30);
  const Audit audit(schema_);
  PatientClients clients(addresses());
  Load load(clients, workload);
  for (int k = 0; k < faults; ++k) {
    ASSERT_TRUE(load.AwaitTraffic()) << "the run is void: too little was in flight";
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 1000));  // the fault
    Fault(k);
    ASSERT_FALSE(HasFatalFailure());
  }
  const int jobs = load.Join();
  EXPECT_THAT(clients.Deviations(UndisturbedResults(workload), jobs), testing::IsEmpty());
  EXPECT_GT(audit.jobs_that_moved(), 0) << "the run is void: no job moved";
  EXPECT_EQ(audit.jobs(), jobs);
  EXPECT_EQ(audit.changes_after_the_end(), 0);
  for (const auto& server : servers_) EXPECT_EQ(server->Stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Servers, ServersTest, testing::Values(2, 3));

}  // namespace
}  // namespace tweedie
