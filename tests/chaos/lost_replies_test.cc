// Submits whose replies are lost (reliability.md, R15): three of ten answers of
// the server do not arrive, and the server dies now and then; clients send the
// same request again until they have an answer. There are as many jobs as
// requests. The control: without request ids there are more.
//
// The count is of submits.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/workload.h"
#include "tests/testing/scoped_environment.h"

namespace tweedie {
namespace {

v1::CreateJobRequest Request(int i, bool has_request_id) {
  v1::CreateJobRequest request = SampleRequest(1, 1, i);
  if (has_request_id) request.set_request_id(RequestId(i));
  return request;
}

std::set<std::string> ListedJobs(TestClient& client) {
  std::set<std::string> names;
  for (const v1::Job& job : client.ListAll()) names.insert(job.name());
  return names;
}

// How many jobs there are after so many submits by four clients.
size_t JobsAfter(int submits, bool has_request_id, int kills) {
  const ScopedFailpoints armed("create.reply=error@30%");
  // One job runs at a time: the queue is what is tested.
  Victim server({"--max-running-jobs", "1", "--max-queued-jobs", "100000",
                 "--max-queued-jobs-per-creator", "100000"});
  PatientClients clients({server.address()});
  std::atomic<int> submitted = 0;
  std::vector<std::thread> threads;
  for (int c = 0; c < 4; ++c) {
    threads.emplace_back([&, c] {
      for (int i = c; i < submits; i += 4) {
        clients.Create(0, Request(i, has_request_id));
        ++submitted;
        submitted.notify_all();
      }
    });
  }
  for (int kill = 1; kill <= kills; ++kill) {
    for (int now = submitted; now < submits * kill / (kills + 1); now = submitted) {
      submitted.wait(now);
    }
    server.KillAndRestart();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(clients.at(0).WaitUntilConnected(std::chrono::seconds(60)));
  return ListedJobs(clients.at(0)).size();
}

TEST(LostRepliesTest, ThereAreAsManyJobsAsRequests) {
  const int submits = ChaosCount(300);
  EXPECT_EQ(JobsAfter(submits, /*has_request_id=*/true, /*kills=*/3), submits);
}

TEST(LostRepliesTest, ControlWithoutRequestIdsThereAreMore) {
  EXPECT_GT(JobsAfter(100, /*has_request_id=*/false, /*kills=*/0), 100u);
}

}  // namespace
}  // namespace tweedie
