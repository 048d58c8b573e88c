#ifndef TWEEDIE_TESTS_CHAOS_WORKLOAD_H_
#define TWEEDIE_TESTS_CHAOS_WORKLOAD_H_

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/server_process.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_client.h"

namespace tweedie {

// How often a chaos test does what it does: TWEEDIE_CHAOS_COUNT, which scripts/chaos
// sets, or `otherwise`.
int ChaosCount(int otherwise);

// Job i of a workload, `jobs/job-i`.
std::string JobName(int i);

// `count` jobs of all kinds with ids and request ids, the same every time.
std::vector<v1::CreateJobRequest> Workload(int count, int longest_steps);

// What each yields at a server that nothing disturbs: the bytes of all its images.
std::vector<std::string> UndisturbedResults(const std::vector<v1::CreateJobRequest>& requests);

// A server that is killed and started again on the same data and the same port.
class Victim {
 public:
  explicit Victim(std::vector<std::string> more = {});

  const std::string& address() const { return address_; }
  // Check HasFatalFailure() after it.
  void KillAndRestart();
  // It finds nothing of what it knew.
  void KillAndForget();
  // Stands still for so long, and goes on.
  void Suspend(std::chrono::milliseconds duration) const;
  int Stop() { return server_->Stop(SIGTERM); }

 private:
  void Start(const std::string& listen);

  std::unique_ptr<TempFolder> data_ = std::make_unique<TempFolder>();
  const std::vector<std::string> more_;
  std::string address_;
  std::unique_ptr<ServerProcess> server_;
};

// Clients that go on through all that happens to servers: they ask the next of
// `servers` (addresses, which stay the same) when one does not answer.
// Thread-safe.
class PatientClients {
 public:
  explicit PatientClients(const std::vector<std::string>& servers);

  TestClient& at(size_t i) { return *clients_[i % clients_.size()]; }
  // The same request, until it is acknowledged.
  void Create(size_t first, const v1::CreateJobRequest& request);
  // Watches until the job has ended; expects its sequences to ascend throughout.
  void Watch(size_t first, const std::string& name);
  // Waits until all jobs have ended. What is not as it should be: jobs that are not
  // there, that failed, or that have other results.
  std::vector<std::string> Deviations(const std::vector<std::string>& expected);
  // How many of `jobs` have been created and have not ended.
  int CountUnfinished(int jobs);

 private:
  // Of one job; empty if it is as it should be.
  std::string Deviation(const std::string& name, const std::string& expected);

  std::vector<std::unique_ptr<TestClient>> clients_;
};

// Four clients that submit a workload at the pace of the faults, so that each
// fault meets jobs being created and jobs that run; and watchers of some of them.
class Load {
 public:
  // Ends when all is submitted and watched: after `faults` calls of Step().
  Load(PatientClients& clients, const std::vector<v1::CreateJobRequest>& requests, int faults);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // A fault has been made.
  void Step();
  // Waits for all clients and watchers.
  void Join();

 private:
  class Pace;
  const std::unique_ptr<Pace> pace_;
  std::vector<std::thread> threads_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_WORKLOAD_H_
