// A hundred jobs of mixed kinds, lengths and priorities, submitted by four
// clients at once: each result has the bits of the same job run alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

constexpr int kJobs = 100;
constexpr int kClients = 4;
constexpr int kLongestSteps = 40;

std::string Result(TestClient& client, const std::string& name) {
  v1::Job job;
  EXPECT_TRUE(client.WaitForEnd(name, &job).ok());
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
  std::string bytes;
  EXPECT_TRUE(client.Images(name, &bytes).ok());
  EXPECT_FALSE(bytes.empty());
  return bytes;
}

std::string RunAlone(TestClient& client, const v1::CreateJobRequest& request) {
  v1::Job job;
  const grpc::Status status = client.Create(request, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return Result(client, job.name());
}

TEST(MixedJobsTest, EachResultIsThatOfTheJobAlone) {
  RunningServer server;
  const std::vector<v1::CreateJobRequest> requests = MixedRequests(kJobs, kLongestSteps);
  std::vector<std::string> names(kJobs);
  std::vector<std::thread> threads;
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&, c] {
      TestClient client(server.process().address());
      for (int i = c; i < kJobs; i += kClients) {
        v1::Job job;
        const grpc::Status status = client.Create(requests[i], &job);
        EXPECT_TRUE(status.ok()) << status.error_message();
        names[i] = job.name();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::string> together;
  for (const std::string& name : names) together.push_back(Result(server.client(), name));
  for (int i = 0; i < kJobs; ++i) {
    EXPECT_TRUE(RunAlone(server.client(), requests[i]) == together[i])
        << "job " << i << ": " << requests[i].job().ShortDebugString().substr(0, 200);
  }
}

}  // namespace
}  // namespace tweedie
