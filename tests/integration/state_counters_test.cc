// What calls leave behind (reliability.md, R12): nothing. Jobs, leases, streams,
// watchers, tensors, descriptors and threads of the server are what they were after
// success, cancellation, a deadline, an error, and the client's death, of unary calls
// and of streams; and a server that is drained in mid-stream gives all back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/child_process.h"
#include "tests/testing/free_port.h"
#include "tests/testing/process_figures.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using Figures = std::map<std::string, double>;
using Patience = std::chrono::steady_clock;

// Those of /metrics that say what the server holds.
constexpr const char* kHeld[] = {"tweedie_jobs{state=\"QUEUED\"}",
                                 "tweedie_jobs{state=\"RUNNING\"}",
                                 "tweedie_jobs{state=\"SUCCEEDED\"}",
                                 "tweedie_jobs{state=\"FAILED\"}",
                                 "tweedie_jobs{state=\"CANCELLED\"}",
                                 "tweedie_running_jobs",
                                 "tweedie_engine_jobs",
                                 "tweedie_executor_tasks",
                                 "tweedie_streams",
                                 "tweedie_watchers",
                                 "tweedie_allocator_bytes{device=\"cpu\"}"};

std::chrono::system_clock::time_point In(std::chrono::milliseconds time) {
  return std::chrono::system_clock::now() + time;
}

class StateCountersTest : public ::testing::Test {
 protected:
  StateCountersTest() : http_(FreePort()), server_({"--http", absl::StrCat("127.0.0.1:", http_)}) {}

  const std::string& address() { return server_.process().address(); }

  // What the server holds now. The request for it holds a descriptor of its own for a
  // moment, as connections do that are being closed.
  Figures Held() {
    const Figures all = ParseMetrics(HttpGet(http_, "/metrics"));
    Figures held;
    for (const char* name : kHeld) {
      const auto value = all.find(name);
      held[name] = value == all.end() ? 0 : value->second;
    }
    held["descriptors"] = OpenFilesOf(server_.process().pid());
    held["threads"] = ThreadsOf(server_.process().pid());
    return held;
  }
  // Waits until a figure is as it is to be.
  void AwaitFigure(const std::string& name, double value) {
    const auto end = Patience::now() + std::chrono::seconds(30);
    while (Held()[name] != value && Patience::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(Held()[name], value) << name;
  }

  // Before the job is deleted, which would take its watchers along.
  void ExpectNobodyWatches() {
    AwaitFigure("tweedie_watchers", 0);
    AwaitFigure("tweedie_streams", 0);
  }

  // Runs `use` with clients of its own until all is after it as before, at most five
  // times: threads and caches are made by the first uses, and stay. What leaks grows
  // with each.
  void ExpectNothingIsLeft(const std::function<void(TestClient&)>& use) {
    Figures before;
    Figures after = Settled();
    for (int i = 0; i < 5 && after != before; ++i) {
      before = after;
      Once(use);
      after = Settled();
      after["threads"] = std::max(after["threads"], before["threads"]);
    }
    EXPECT_THAT(after, ::testing::ContainerEq(before));
  }

  static std::string MustCreate(TestClient& client, const v1::CreateJobRequest& request) {
    v1::Job job;
    const grpc::Status status = client.Create(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }
  // A job that goes on for longer than any of these tests.
  static std::string LongJob(TestClient& client) {
    const std::string name = MustCreate(client, SampleRequest(4, 1000, 1));
    EXPECT_TRUE(client.WaitForStep(name, 1).ok());
    return name;
  }
  static void EndAndDelete(TestClient& client, const std::string& name) {
    v1::Job job;
    EXPECT_TRUE(client.Cancel(name, &job).ok());
    EXPECT_TRUE(client.WaitForEnd(name, &job).ok());
    EXPECT_TRUE(client.Delete(name).ok());
  }
  // With every kind of frame.
  static v1::WatchJobRequest Watch(const std::string& name) {
    v1::WatchJobRequest request;
    request.set_name(name);
    request.set_frame_interval(1);
    request.add_frame_kinds(v1::Frame::X0_HAT);
    request.add_frame_kinds(v1::Frame::X_T);
    return request;
  }

  const int http_;
  RunningServer server_;

 private:
  void Once(const std::function<void(TestClient&)>& use) {
    TestClient client(address());
    use(client);
  }
  // What is held once nothing changes any more for a while.
  Figures Settled() {
    Figures last = Held();
    for (int same = 0; same < 10;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      const Figures now = Held();
      same = now == last ? same + 1 : 0;
      last = now;
    }
    return last;
  }
};

// --- Success ----------------------------------------------------------------

TEST_F(StateCountersTest, UnarySuccess) {
  ExpectNothingIsLeft([](TestClient& client) {
    const std::string name = MustCreate(client, DenoiseRequest(2, 100, 1));
    v1::Job job;
    do {
      ASSERT_TRUE(client.Get(name, &job).ok());
    } while (!HasEnded(job.state()));
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED);
    EXPECT_TRUE(client.Delete(name).ok());
  });
}

TEST_F(StateCountersTest, StreamingSuccess) {
  ExpectNothingIsLeft([this](TestClient& client) {
    const std::string name = MustCreate(client, SampleRequest(2, 20, 1));
    EXPECT_TRUE(client.Watch(Watch(name), [](const auto&) { return true; }).ok());
    ExpectNobodyWatches();
    std::string bytes;
    EXPECT_TRUE(client.Images(name, &bytes).ok());
    EXPECT_TRUE(client.Delete(name).ok());
  });
}

// --- Cancellation -----------------------------------------------------------

TEST_F(StateCountersTest, UnaryCancelledJobAndCalls) {
  ExpectNothingIsLeft([](TestClient& client) {
    EndAndDelete(client, LongJob(client));
    for (int i = 0; i < 20; ++i) {
      grpc::ClientContext context;
      std::thread canceller([&] { context.TryCancel(); });
      v1::CreateJobRequest request = DenoiseRequest(16, 100, i);
      request.set_validate_only(true);
      v1::Job job;
      (void)client.stub().CreateJob(&context, request, &job);
      canceller.join();
    }
  });
}

TEST_F(StateCountersTest, StreamingCancelledJobAndCalls) {
  ExpectNothingIsLeft([this](TestClient& client) {
    const std::string name = LongJob(client);
    for (int i = 0; i < 10; ++i) {
      int events = 0;
      EXPECT_TRUE(client.Watch(Watch(name), [&](const auto&) { return ++events < i; }).ok());
    }
    ExpectNobodyWatches();
    grpc::ClientContext context;
    auto all = client.stub().WatchJobs(&context, {});
    v1::WatchJobsResponse response;
    EXPECT_TRUE(all->Read(&response));
    EndAndDelete(client, name);
    context.TryCancel();
    while (all->Read(&response)) {
    }
    EXPECT_EQ(all->Finish().error_code(), grpc::StatusCode::CANCELLED);
  });
}

// --- Deadlines --------------------------------------------------------------

TEST_F(StateCountersTest, UnaryDeadlines) {
  ExpectNothingIsLeft([](TestClient& client) {
    v1::BatchCreateJobsRequest batch;
    for (int i = 0; i < 50; ++i) {
      *batch.add_requests() = DenoiseRequest(8, 100, i);
      batch.mutable_requests(i)->set_validate_only(true);
    }
    int exceeded = 0;
    for (int i = 0; i < 20; ++i) {
      grpc::ClientContext context;
      context.set_deadline(In(std::chrono::milliseconds(1)));
      v1::BatchCreateJobsResponse response;
      const grpc::Status status = client.stub().BatchCreateJobs(&context, batch, &response);
      exceeded += status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ? 1 : 0;
    }
    EXPECT_GT(exceeded, 0) << "the run is void";
  });
}

TEST_F(StateCountersTest, StreamingDeadlines) {
  ExpectNothingIsLeft([this](TestClient& client) {
    const std::string name = LongJob(client);
    for (const bool reads : {true, false}) {
      grpc::ClientContext context;
      context.set_deadline(In(std::chrono::milliseconds(300)));
      auto reader = client.stub().WatchJob(&context, Watch(name));
      v1::WatchJobResponse event;
      while (reads && reader->Read(&event)) {
      }
      EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    }
    ExpectNobodyWatches();
    EndAndDelete(client, name);
  });
}

// --- Errors -----------------------------------------------------------------

TEST_F(StateCountersTest, UnaryErrors) {
  ExpectNothingIsLeft([](TestClient& client) {
    v1::Job job;
    v1::CreateJobRequest request = DenoiseRequest(1, 100, 1);
    request.mutable_job()->mutable_denoise()->set_timestep(100000);
    EXPECT_EQ(client.Create(request, &job).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(client.Get("jobs/none", &job).error_code(), grpc::StatusCode::NOT_FOUND);
    // The network's output is not finite: the job fails.
    request = DenoiseRequest(1, 100, 1);
    request.mutable_job()->mutable_denoise()->set_add_noise(false);
    std::string& pixels = *request.mutable_job()
                               ->mutable_denoise()
                               ->mutable_images()
                               ->mutable_tensor()
                               ->mutable_data();
    const std::vector<float> huge(pixels.size() / sizeof(float), 3e38f);
    pixels.assign(reinterpret_cast<const char*>(huge.data()), pixels.size());
    const std::string name = MustCreate(client, request);
    EXPECT_TRUE(client.WaitForEnd(name, &job).ok());
    EXPECT_EQ(job.state(), v1::Job::FAILED) << job.ShortDebugString();
    EXPECT_TRUE(client.Delete(name).ok());
  });
}

TEST_F(StateCountersTest, StreamingErrors) {
  ExpectNothingIsLeft([](TestClient& client) {
    const auto ignore = [](const auto&) { return true; };
    EXPECT_EQ(client.Watch(Watch("jobs/none"), ignore).error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(client.Watch(Watch("none"), ignore).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    const std::string name = LongJob(client);
    v1::WatchJobRequest beyond = Watch(name);
    beyond.set_after_sequence(int64_t{9} << 32);
    EXPECT_EQ(client.Watch(beyond, ignore).error_code(), grpc::StatusCode::OUT_OF_RANGE);
    std::string bytes;
    EXPECT_EQ(client.Images(name, &bytes).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    // The job is deleted under a watcher.
    grpc::ClientContext context;
    auto all = client.stub().WatchJobs(&context, {});
    EndAndDelete(client, name);
    context.TryCancel();
    (void)all->Finish();
  });
}

// --- The client's death -----------------------------------------------------

// The command-line client is killed once the server works for it.
TEST_F(StateCountersTest, StreamingClientIsKilled) {
  ExpectNothingIsLeft([this](TestClient& client) {
    const std::string name = LongJob(client);
    ExpectNobodyWatches();
    {
      const auto watcher =
          ChildProcess::Start(TWEEDIE, {"--server", address(), "watch", name.substr(5)});
      ASSERT_NE(watcher, nullptr);
      AwaitFigure("tweedie_watchers", 1);
      AwaitFigure("tweedie_streams", 1);
    }  // kill -9
    ExpectNobodyWatches();
    EndAndDelete(client, name);
  });
}

TEST_F(StateCountersTest, UnaryClientIsKilled) {
  ExpectNothingIsLeft([this](TestClient& client) {
    for (int i = 0; i < 10; ++i) {
      const auto lister = ChildProcess::Start(TWEEDIE, {"--server", address(), "list"});
      ASSERT_NE(lister, nullptr);
      // At any moment of its life.
      std::this_thread::sleep_for(std::chrono::milliseconds(5 * i));
    }
    EXPECT_TRUE(client.WaitUntilConnected(std::chrono::seconds(10)));
  });
}

// --- The drain --------------------------------------------------------------

TEST_F(StateCountersTest, DrainedInMidStreamAllIsGivenBack) {
  std::string name;
  Figures before;
  {
    TestClient client(address());
    EndAndDelete(client, LongJob(client));
    name = LongJob(client);
    grpc::ClientContext job_context, jobs_context, idle_context;
    auto job_reader = client.stub().WatchJob(&job_context, Watch(name));
    auto jobs_reader = client.stub().WatchJobs(&jobs_context, {});
    auto idle_reader = client.stub().WatchJob(&idle_context, Watch(name));
    v1::WatchJobResponse event;
    v1::WatchJobsResponse change;
    ASSERT_TRUE(job_reader->Read(&event));
    ASSERT_TRUE(jobs_reader->Read(&change));
    EXPECT_EQ(server_.Terminate(), 0);
    while (job_reader->Read(&event)) {
    }
    while (jobs_reader->Read(&change)) {
    }
    EXPECT_EQ(job_reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(jobs_reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
    idle_context.TryCancel();
    (void)idle_reader->Finish();
  }
  server_.Start();
  TestClient client(address());
  v1::Job job;
  ASSERT_TRUE(client.WaitForStep(name, 1).ok());
  ASSERT_TRUE(client.Get(name, &job).ok());
  EXPECT_EQ(job.attempt(), 2);
  EXPECT_EQ(job.crashes(), 1) << "its own, which is taken back at its end";
  EndAndDelete(client, name);
  for (const char* figure :
       {"tweedie_running_jobs", "tweedie_engine_jobs", "tweedie_watchers", "tweedie_streams"}) {
    AwaitFigure(figure, 0);
  }
}

}  // namespace
}  // namespace tweedie
