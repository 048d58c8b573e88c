// kill -9 of a server under load (reliability.md, R1): nothing acknowledged is
// lost, no job finishes twice, every result has the bits of an undisturbed run,
// and the sequences that watchers see ascend throughout. Every other kill waits until
// somebody has got further: three in a row that do not let a job go on are one that
// kills the server, as far as that can tell.
//
// TWEEDIE_CHAOS_KILLS and TWEEDIE_CHAOS_JOBS set the counts (20 and 50).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_client.h"

namespace tweedie {
namespace {

int CountFrom(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

// A server that is killed and started again on the same data and the same port.
class Victim {
 public:
  explicit Victim(std::string data_dir) : data_dir_(std::move(data_dir)) { Start("127.0.0.1:0"); }

  const std::string& address() const { return address_; }
  void KillAndRestart() {
    server_->Kill();
    Start(address_);
  }
  int Stop() { return server_->Stop(SIGTERM); }

 private:
  void Start(const std::string& listen) {
    std::string log;
    server_ = ServerProcess::Start(
        TWEEDIED, {"--data-dir", data_dir_, "--models-dir", TWEEDIE_SOURCE_DIR "/models",
                   "--listen", listen, "--http", "", "--log-level", "warning"});
    ASSERT_NE(server_, nullptr) << "the server did not start";
    address_ = server_->address();
  }

  const std::string data_dir_;
  std::string address_;
  std::unique_ptr<ServerProcess> server_;
};

std::vector<v1::CreateJobRequest> Requests(int count) {
  std::vector<v1::CreateJobRequest> requests = MixedRequests(count, 300);
  for (int i = 0; i < count; ++i) {
    requests[i].set_job_id(absl::StrCat("job-", i));
    char id[37];
    std::snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012d", i);
    requests[i].set_request_id(id);
  }
  return requests;
}

std::string JobName(int i) { return absl::StrCat("jobs/job-", i); }

std::vector<std::string> UndisturbedResults(const std::vector<v1::CreateJobRequest>& requests) {
  TempFolder data;
  Victim victim(data.path());
  TestClient client(victim.address());
  std::vector<std::string> results(requests.size());
  for (const auto& request : requests) {
    v1::Job job;
    const grpc::Status status = client.Create(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    v1::Job job;
    EXPECT_TRUE(client.WaitForEnd(JobName(static_cast<int>(i)), &job).ok());
    EXPECT_TRUE(client.Images(JobName(static_cast<int>(i)), &results[i]).ok());
  }
  EXPECT_EQ(victim.Stop(), 0);
  return results;
}

// How far the killing is; submitters keep pace with it, so that every kill
// meets jobs being created and jobs that run.
class Pace {
 public:
  void Step() {
    const std::lock_guard lock(mu_);
    ++kills_;
    changed_.notify_all();
  }
  void WaitFor(int kills) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return kills_ >= kills; });
  }
  bool done(int kills) {
    const std::lock_guard lock(mu_);
    return kills_ >= kills;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  int kills_ = 0;
};

// Retries as a client does: the same request, until it is acknowledged.
void CreateUntilAcknowledged(TestClient& client, const v1::CreateJobRequest& request) {
  for (;;) {
    v1::Job job;
    const grpc::Status status = client.Create(request, &job);
    if (status.ok()) return;
    ASSERT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // back-off
  }
}

// Watches a job through all breaks, and checks the order of the sequences.
void WatchThroughBreaks(TestClient& client, const std::string& name) {
  int64_t last = 0;
  bool ended = false;
  while (!ended) {
    v1::WatchJobRequest request;
    request.set_name(name);
    request.set_after_sequence(last);
    bool first = true;
    const grpc::Status status = client.Watch(request, [&](const v1::WatchJobResponse& event) {
      if (first) {
        EXPECT_GE(event.sequence(), last) << name;
      } else {
        EXPECT_GT(event.sequence(), last) << name;
      }
      first = false;
      last = event.sequence();
      ended = event.has_job() && HasEnded(event.job().state());
      return true;
    });
    if (ended) return;
    ASSERT_THAT(status.error_code(),
                ::testing::AnyOf(grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::NOT_FOUND,
                                 grpc::StatusCode::CANCELLED))
        << status.error_message();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // back-off
  }
}

// Waits until some job has made three steps in this life of the server: whoever
// runs first after a kill has a checkpoint further on then. A job that is killed
// again and again before that does not go on, and is rightly quarantined.
void WaitForProgress(TestClient& client) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::WatchJobsRequest request;
  request.set_include_progress(true);
  auto reader = client.stub().WatchJobs(&context, request);
  std::map<std::string, std::set<int>> steps;
  v1::WatchJobsResponse event;
  for (bool listed = false; reader->Read(&event);) {
    listed = listed || event.listing_complete();
    if (!listed || event.job().state() != v1::Job::RUNNING) continue;
    std::set<int>& seen = steps[event.job().name()];
    seen.insert(event.job().progress().step());
    if (seen.size() > 3) break;
  }
  context.TryCancel();
  while (reader->Read(&event)) {
  }
  (void)reader->Finish();
}

int CountUnfinished(TestClient& client, int jobs) {
  int unfinished = 0;
  for (int i = 0; i < jobs; ++i) {
    v1::Job job;
    if (client.Get(JobName(i), &job).ok() && !HasEnded(job.state())) ++unfinished;
  }
  return unfinished;
}

TEST(KillServerTest, NothingAcknowledgedIsLostAndEveryResultIsAsUndisturbed) {
  const int kills = CountFrom("TWEEDIE_CHAOS_KILLS", 20);
  const int jobs = CountFrom("TWEEDIE_CHAOS_JOBS", 50);
  const std::vector<v1::CreateJobRequest> requests = Requests(jobs);
  const std::vector<std::string> expected = UndisturbedResults(requests);

  TempFolder data;
  Victim victim(data.path());
  TestClient client(victim.address());
  Pace pace;
  std::vector<std::thread> threads;
  for (int c = 0; c < 4; ++c) {
    threads.emplace_back([&, c] {
      for (int i = c; i < jobs; i += 4) {
        pace.WaitFor(i * kills / jobs);
        CreateUntilAcknowledged(client, requests[i]);
      }
    });
  }
  for (const int i : {0, jobs / 3, jobs / 2, jobs - 1}) {
    threads.emplace_back([&, i] { WatchThroughBreaks(client, JobName(i)); });
  }
  std::mt19937 random(std::random_device{}());
  int kills_under_load = 0;
  for (int k = 0; k < kills; ++k) {
    ASSERT_TRUE(client.WaitUntilConnected(std::chrono::seconds(30)));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1000));  // the fault
    const bool under_load = CountUnfinished(client, jobs) > 0;
    if (under_load && k % 2 == 1) WaitForProgress(client);
    kills_under_load += under_load ? 1 : 0;
    victim.KillAndRestart();
    ASSERT_FALSE(HasFatalFailure());
    pace.Step();
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_GE(kills_under_load, kills * 3 / 4) << "the run is void: too little was in flight";
  for (int i = 0; i < jobs; ++i) {
    v1::Job job;
    ASSERT_TRUE(client.WaitForEnd(JobName(i), &job).ok()) << JobName(i);
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    std::string result;
    ASSERT_TRUE(client.Images(JobName(i), &result).ok()) << JobName(i);
    EXPECT_TRUE(result == expected[i]) << JobName(i) << " differs from the undisturbed run";
  }
  EXPECT_EQ(victim.Stop(), 0);
}

}  // namespace
}  // namespace tweedie
