// What a stop, a kill and a restart leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

TEST(RestartTest, DrainedJobGoesOnFromWhereItWasToTheSameBits) {
  const v1::CreateJobRequest request = SampleRequest(2, 400, 11);
  RunningServer server;
  v1::Job job;
  ASSERT_TRUE(server.client().Create(request, &job).ok());
  ASSERT_TRUE(server.client().WaitForStep(job.name(), 100).ok());
  v1::WatchJobRequest watch;
  watch.set_name(job.name());
  grpc::Status ended;
  std::thread watcher(
      [&] { ended = server.client().Watch(watch, [](const auto&) { return true; }); });
  EXPECT_EQ(server.Terminate(), 0);
  watcher.join();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE) << ended.error_message();

  server.Start();
  int first_step = -1;
  ASSERT_TRUE(server.client()
                  .Watch(watch,
                         [&](const v1::WatchJobResponse& event) {
                           if (event.has_progress()) first_step = event.progress().step();
                           return !event.has_progress();
                         })
                  .ok());
  EXPECT_GE(first_step, 100);
  const std::string result = ResultOf(server.client(), job.name(), &job);
  EXPECT_TRUE(result == Undisturbed(request));
  EXPECT_EQ(job.attempt(), 2);
  EXPECT_EQ(job.crashes(), 0);
}

TEST(RestartTest, KilledServersJobsGoOnToTheSameBits) {
  const v1::CreateJobRequest request = SampleRequest(2, 500, 12);
  RunningServer server;
  v1::Job job;
  ASSERT_TRUE(server.client().Create(request, &job).ok());
  ASSERT_TRUE(server.client().WaitForStep(job.name(), 300).ok());
  server.process().Kill();
  server.Start();
  const std::string result = ResultOf(server.client(), job.name(), &job);
  EXPECT_EQ(job.attempt(), 2);
  EXPECT_TRUE(result == Undisturbed(request));
}

TEST(RestartTest, CancelledWhileTheServerIsGoneStaysCancelled) {
  RunningServer server({"--max-running-jobs", "1"});
  v1::Job running, queued;
  ASSERT_TRUE(server.client().Create(SampleRequest(1, 1000, 1), &running).ok());
  ASSERT_TRUE(server.client().WaitForStep(running.name(), 1).ok());
  ASSERT_TRUE(server.client().Create(SampleRequest(1, 1000, 2), &queued).ok());
  ASSERT_TRUE(server.client().Cancel(queued.name(), &queued).ok());
  EXPECT_EQ(queued.state(), v1::Job::CANCELLED);
  server.process().Kill();
  server.Start();
  ASSERT_TRUE(server.client().Get(queued.name(), &queued).ok());
  EXPECT_EQ(queued.state(), v1::Job::CANCELLED);
}

TEST(RestartTest, DeletedJobsLeaveNoFiles) {
  RunningServer server;
  v1::Job job;
  ASSERT_TRUE(server.client().Create(DenoiseRequest(1, 50, 1), &job).ok());
  ASSERT_TRUE(server.client().WaitForEnd(job.name(), &job).ok());
  const std::filesystem::path blobs = server.data_dir() + "/blobs";
  EXPECT_FALSE(std::filesystem::is_empty(blobs));
  ASSERT_TRUE(server.client().Delete(job.name()).ok());
  EXPECT_TRUE(std::filesystem::is_empty(blobs));
}

TEST(RestartTest, IdleServerStopsAtOnce) {
  RunningServer server;
  EXPECT_EQ(server.Terminate(), 0);
}

}  // namespace
}  // namespace tweedie
