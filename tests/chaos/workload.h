#ifndef TWEEDIE_TESTS_CHAOS_WORKLOAD_H_
#define TWEEDIE_TESTS_CHAOS_WORKLOAD_H_

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
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

// Job i of a workload that goes on for ever: like one of `workload`, these in turn, with
// an id and a request id of its own.
v1::CreateJobRequest Repeated(const std::vector<v1::CreateJobRequest>& workload, int i);

// What each yields at a server that nothing disturbs: the bytes of all its images.
std::vector<std::string> UndisturbedResults(const std::vector<v1::CreateJobRequest>& requests);

// A server that is killed and started again on the same data and the same port.
class Victim {
 public:
  explicit Victim(std::vector<std::string> more = {});

  const std::string& address() const { return address_; }
  const std::string& data_dir() const { return data_->path(); }
  // Check HasFatalFailure() after it.
  void KillAndRestart();
  void TerminateAndRestart();
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
  // Watches until the job has ended; expects the contract of WatchJob to hold throughout.
  void Watch(size_t first, const std::string& name);
  // Waits until all jobs of a workload have ended, which is repeated until there are
  // `jobs`, if that is given. What is not as it should be: jobs that are not there,
  // that failed, or that have other results.
  std::vector<std::string> Deviations(const std::vector<std::string>& expected, int jobs = 0);
  // How many jobs have not ended, 1,000 at most; nullopt if the server does not answer.
  std::optional<int> CountUnfinished(size_t client);

 private:
  // `*job` is as it ended.
  grpc::Status WatchToEnd(size_t first, const std::string& name, v1::Job* job);
  // Of one job; empty if it is as it should be.
  std::string Deviation(const std::string& name, const std::string& expected);

  const bool sees_every_state_;  // no server learns of changes from another
  std::vector<std::unique_ptr<TestClient>> clients_;
};

// Traffic of four clients: they keep kInFlight jobs created and not ended, and send
// requests that were acknowledged again meanwhile. Four others watch the newest job,
// each to its end.
class Load {
 public:
  static constexpr int kInFlight = 50;
  static constexpr int kSubmitsPerSecond = 20;

  // Takes `workload` again and again. Both outlive it.
  Load(PatientClients& clients, const std::vector<v1::CreateJobRequest>& workload);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Waits until a fault would count: so many jobs are in flight, and so many submits
  // were acknowledged in the last second. False if it does not come to that in a
  // minute.
  bool AwaitTraffic();
  // Waits for all clients and watchers. How many jobs were created.
  int Join();

 private:
  void Submit(int client);
  void Watch(int client);
  // What to send next; nullopt: nothing any more.
  std::optional<int> NextRequest(int client, std::mt19937& random);
  // The newest job that is acknowledged and not watched; nullopt: no other will be.
  std::optional<int> NextToWatch();
  void Acknowledged(int request);
  bool HasTraffic();

  PatientClients& clients_;
  const std::vector<v1::CreateJobRequest>& workload_;
  std::mutex mu_;  // of all below
  std::condition_variable changed_;
  bool stopping_ = false;
  int in_flight_ = 0;
  int created_ = 0;                // requests that were taken, each by one client
  std::vector<int> acknowledged_;  // in the order of their first answers
  int last_watched_ = -1;
  std::deque<std::chrono::steady_clock::time_point> answers_;  // of the last second
  std::vector<std::thread> threads_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_WORKLOAD_H_
