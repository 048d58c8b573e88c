// Several servers on one PostgreSQL (reliability.md, R1, R4, R29): servers are
// killed, or stand still beyond their leases and wake up again, and the database
// crashes; nothing acknowledged is lost, nothing finishes twice, every result has
// the bits of an undisturbed run, sequences ascend.
//
// The count is of faults; three jobs for each. TWEEDIE_CHAOS_SERVERS sets how many
// servers there are (2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
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
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

constexpr std::chrono::seconds kLease(3);

int NumServers() {
  const char* text = std::getenv("TWEEDIE_CHAOS_SERVERS");
  return text == nullptr ? 2 : std::atoi(text);
}

// One of the servers. It keeps its address over its lives.
class Member {
 public:
  Member(std::string name, std::string schema)
      : name_(std::move(name)), schema_(std::move(schema)) {
    Start("127.0.0.1:0");
  }

  const std::string& address() const { return address_; }
  void KillAndRestart() {
    process_->Kill();
    Start(address_);
  }
  // Stands still until others have taken its jobs, and goes on.
  void Suspend() const {
    kill(process_->pid(), SIGSTOP);
    std::this_thread::sleep_for(kLease * 2);  // the fault
    kill(process_->pid(), SIGCONT);
  }
  int Stop() { return process_->Stop(SIGTERM); }

 private:
  void Start(const std::string& listen) {
    std::string log;
    process_ = ServerProcess::Start(
        TWEEDIED,
        ServerArguments(folder_.path(),
                        {"--database", PostgresCluster::Shared().connection(), "--database-schema",
                         schema_, "--server-name", name_, "--listen", listen, "--lease-seconds",
                         absl::StrCat(kLease.count())}),
        &log);
    ASSERT_NE(process_, nullptr) << log;
    address_ = process_->address();
  }

  const TempFolder folder_;
  const std::string name_;
  const std::string schema_;
  std::string address_;
  std::unique_ptr<ServerProcess> process_;
};

class SharedQueueChaosTest : public testing::Test {
 protected:
  void SetUp() override {
    const int servers = NumServers();
    for (int i = 0; i < servers; ++i) {
      members_.push_back(std::make_unique<Member>(absl::StrCat("server-", i), schema_));
    }
  }

  std::vector<std::string> addresses() const {
    std::vector<std::string> addresses;
    for (const auto& member : members_) addresses.push_back(member->address());
    return addresses;
  }
  void Fault(int kind) {
    Member& victim = *members_[random_() % members_.size()];
    switch (kind % 3) {
      case 0:
        return victim.KillAndRestart();
      case 1:
        return victim.Suspend();
      default:
        PostgresCluster::Shared().Crash();
        ASSERT_TRUE(PostgresCluster::Shared().Restart().ok());
    }
  }

  const std::string schema_ = "chaos_" + RandomId(12);
  std::vector<std::unique_ptr<Member>> members_;
  std::mt19937 random_{std::random_device{}()};
};

TEST_F(SharedQueueChaosTest, NothingIsLostAndEveryResultIsAsUndisturbed) {
  const int faults = ChaosCount(9);
  const int jobs = 3 * faults;
  const std::vector<v1::CreateJobRequest> requests = Workload(jobs, 300);
  const std::vector<std::string> expected = UndisturbedResults(requests);
  const Audit audit(schema_);
  PatientClients clients(addresses());
  Load load(clients, requests, faults);
  int under_load = 0;
  for (int k = 0; k < faults; ++k) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 1000));  // the fault
    under_load += clients.CountUnfinished(jobs) > 0 ? 1 : 0;
    Fault(k);
    ASSERT_FALSE(HasFatalFailure());
    load.Step();
  }
  load.Join();
  clients.ExpectResults(expected);
  EXPECT_GE(under_load, faults / 2) << "the run is void: too little was in flight";
  EXPECT_GT(audit.jobs_that_moved(), 0) << "the run is void";
  EXPECT_EQ(audit.jobs(), jobs);
  EXPECT_EQ(audit.changes_after_the_end(), 0);
  for (const auto& member : members_) EXPECT_EQ(member->Stop(), 0);
}

}  // namespace
}  // namespace tweedie
