// The watch contract (reliability.md, section 4), as a client sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using ::testing::SizeIs;

class WatchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new RunningServer(); }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->Terminate(), 0);
    delete server_;
  }
  TestClient& client() { return server_->client(); }

  std::string MustCreate(const v1::CreateJobRequest& request) {
    v1::Job job;
    const grpc::Status status = client().Create(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }
  std::vector<v1::WatchJobResponse> WatchToEnd(v1::WatchJobRequest request) {
    std::vector<v1::WatchJobResponse> events;
    const grpc::Status status = client().Watch(request, [&](const auto& event) {
      events.push_back(event);
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.error_message();
    return events;
  }
  static v1::WatchJobRequest Request(const std::string& name, int frame_interval = 0) {
    v1::WatchJobRequest request;
    request.set_name(name);
    request.set_frame_interval(frame_interval);
    return request;
  }

  static RunningServer* server_;
};

RunningServer* WatchTest::server_ = nullptr;

void ExpectAscending(const std::vector<v1::WatchJobResponse>& events) {
  for (size_t i = 1; i < events.size(); ++i) {
    EXPECT_GT(events[i].sequence(), events[i - 1].sequence());
  }
}

TEST_F(WatchTest, FirstAndLastEventAreTheJobAndSequencesAscend) {
  const auto events = WatchToEnd(Request(MustCreate(SampleRequest(1, 50, 1))));
  ASSERT_GE(events.size(), 3u);
  EXPECT_TRUE(events.front().has_job());
  ASSERT_TRUE(events.back().has_job());
  EXPECT_EQ(events.back().job().state(), v1::Job::SUCCEEDED);
  ExpectAscending(events);
  int step = 0;
  for (const auto& event : events) {
    if (!event.has_progress()) continue;
    EXPECT_GT(event.progress().step(), step);
    step = event.progress().step();
    EXPECT_EQ(event.progress().num_steps(), 50);
  }
  EXPECT_EQ(step, 50);
}

TEST_F(WatchTest, ProgressComesNoMoreOftenThanAskedFor) {
  v1::WatchJobRequest request = Request(MustCreate(SampleRequest(1, 200, 1)));
  request.mutable_progress_interval()->set_nanos(100000000);
  double last = 0;
  int steps_told = 0, step = 0;
  for (const auto& event : WatchToEnd(request)) {
    if (!event.has_progress()) continue;
    step = event.progress().step();
    steps_told += 1 + event.skipped_events();
    const double time = event.event_time().seconds() + 1e-9 * event.event_time().nanos();
    if (step < 200) EXPECT_GE(time - last, 0.1 - 1e-5) << "step " << step;
    last = time;
  }
  EXPECT_EQ(step, 200);
  EXPECT_GT(steps_told, 100) << "what was left out is counted";
}

TEST_F(WatchTest, FramesComeAtTheIntervalAndAtTheLastStep) {
  v1::WatchJobRequest request = Request(MustCreate(SampleRequest(3, 25, 1)), 10);
  request.set_frame_format(v1::IMAGE_FORMAT_PNG);
  request.set_max_frame_images(2);
  std::set<int> steps;
  for (const auto& event : WatchToEnd(request)) {
    if (!event.has_frame()) continue;
    steps.insert(event.frame().step());
    EXPECT_EQ(event.frame().kind(), v1::Frame::X0_HAT);
    EXPECT_THAT(event.frame().images().encoded().files(), SizeIs(2));
    EXPECT_TRUE(event.frame().step() % 10 == 0 || event.frame().step() == 25);
  }
  EXPECT_EQ(steps.count(25), 1u);
}

TEST_F(WatchTest, LastFrameIsTheResult) {
  const std::string name = MustCreate(SampleRequest(1, 12, 4));
  v1::WatchJobRequest request = Request(name, 1000);
  request.add_frame_kinds(v1::Frame::X_T);
  request.set_frame_format(v1::IMAGE_FORMAT_TENSOR_FLOAT32);
  std::string last;
  for (const auto& event : WatchToEnd(request)) {
    if (event.has_frame()) last = event.frame().images().tensor().data();
  }
  std::string result;
  ASSERT_TRUE(client().Images(name, &result).ok());
  EXPECT_TRUE(last == result);
}

TEST_F(WatchTest, EndedJobIsSentOnceAndTheStreamEnds) {
  const std::string name = MustCreate(SampleRequest(1, 2, 1));
  const auto first = WatchToEnd(Request(name));
  const auto again = WatchToEnd(Request(name));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].job().state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(again[0].sequence(), first.back().sequence());
  v1::WatchJobRequest resumed = Request(name);
  resumed.set_after_sequence(first.back().sequence());
  EXPECT_THAT(WatchToEnd(resumed), SizeIs(1));
}

TEST_F(WatchTest, ResumedStreamGoesOnAfterTheLastSequence) {
  const std::string name = MustCreate(SampleRequest(1, 60, 1));
  int64_t last = 0;
  int step = 0;
  ASSERT_TRUE(client()
                  .Watch(Request(name),
                         [&](const auto& event) {
                           last = event.sequence();
                           if (event.has_progress()) step = event.progress().step();
                           return step < 10;
                         })
                  .ok());
  v1::WatchJobRequest resumed = Request(name);
  resumed.set_after_sequence(last);
  const auto events = WatchToEnd(resumed);
  ASSERT_FALSE(events.empty());
  EXPECT_GE(events.front().sequence(), last);
  ExpectAscending(events);
  EXPECT_EQ(events.back().job().state(), v1::Job::SUCCEEDED);
}

TEST_F(WatchTest, SequenceThatTheJobHasNotReachedIsOutOfRange) {
  const std::string name = MustCreate(SampleRequest(1, 2, 1));
  WatchToEnd(Request(name));
  v1::WatchJobRequest request = Request(name);
  request.set_after_sequence(int64_t{1} << 40);
  EXPECT_EQ(client().Watch(request, [](const auto&) { return true; }).error_code(),
            grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(WatchTest, UnknownJobIsNotFoundAndBadOptionsAreRefused) {
  const auto ignore = [](const auto&) { return true; };
  EXPECT_EQ(client().Watch(Request("jobs/none"), ignore).error_code(), grpc::StatusCode::NOT_FOUND);
  const std::string name = MustCreate(SampleRequest(1, 2, 1));
  EXPECT_EQ(client().Watch(Request(name, -1), ignore).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WatchTest, ManyWatchersAllSeeTheEnd) {
  const std::string name = MustCreate(SampleRequest(2, 80, 1));
  std::vector<std::thread> threads;
  std::atomic<int> ended = 0;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      TestClient own(server_->process().address());
      v1::WatchJobRequest request = Request(name, 1 + i % 4);
      request.set_frame_format(i % 2 == 0 ? v1::IMAGE_FORMAT_PNG : v1::IMAGE_FORMAT_TENSOR_UINT8);
      const grpc::Status status = own.Watch(request, [&](const v1::WatchJobResponse& event) {
        if (event.has_job() && event.job().state() == v1::Job::SUCCEEDED) ++ended;
        return true;
      });
      EXPECT_TRUE(status.ok()) << status.error_message();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ended, 16);
}

TEST_F(WatchTest, SlowReaderIsToldHowMuchItMissed) {
  const std::string name = MustCreate(SampleRequest(20, 60, 1));
  v1::WatchJobRequest request = Request(name, 1);
  request.set_frame_format(v1::IMAGE_FORMAT_TENSOR_FLOAT32);
  request.add_frame_kinds(v1::Frame::X0_HAT);
  request.add_frame_kinds(v1::Frame::X_T);
  int64_t skipped = 0;
  bool waited = false;
  std::vector<v1::WatchJobResponse> events;
  ASSERT_TRUE(client()
                  .Watch(request,
                         [&](const auto& event) {
                           events.push_back(event);
                           skipped += event.skipped_events();
                           if (!waited && event.has_frame()) {
                             waited = true;
                             // Takes nothing until another watcher has seen much more.
                             EXPECT_TRUE(client().WaitForStep(name, 50).ok());
                           }
                           return true;
                         })
                  .ok());
  EXPECT_GT(skipped, 10);
  ExpectAscending(events);
  EXPECT_EQ(events.back().job().state(), v1::Job::SUCCEEDED);
}

TEST_F(WatchTest, AllJobsCanBeWatchedByFilter) {
  v1::WatchJobsRequest request;
  (*request.mutable_filter()->mutable_labels())["watch"] = "all";
  grpc::ClientContext context;
  auto reader = client().stub().WatchJobs(&context, request);
  v1::WatchJobsResponse response;
  bool complete = false;
  while (!complete && reader->Read(&response)) complete = response.listing_complete();
  ASSERT_TRUE(complete);
  v1::CreateJobRequest create = SampleRequest(1, 3, 1);
  MustCreate(create);  // does not match
  (*create.mutable_job()->mutable_labels())["watch"] = "all";
  const std::string name = MustCreate(create);
  bool ended = false;
  while (!ended && reader->Read(&response)) {
    EXPECT_EQ(response.job().name(), name);
    EXPECT_FALSE(response.listing_complete());
    ended = response.job().state() == v1::Job::SUCCEEDED;
  }
  EXPECT_TRUE(ended);
  ASSERT_TRUE(client().Delete(name).ok());
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.deleted());
  context.TryCancel();
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace tweedie
