// Jobs that kill the process, steps that hang, and what a drain leaves.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/failpoint.h"
#include "tests/testing/child_process.h"
#include "tests/testing/error_details.h"
#include "tests/testing/running_server.h"
#include "tests/testing/scoped_environment.h"

namespace tweedie {
namespace {

using std::chrono::steady_clock;

// What a server is slowed by ThreadSanitizer.
#ifdef __SANITIZE_THREAD__
constexpr auto kAtOnce = std::chrono::milliseconds(1000);
constexpr char kStepLimit[] = "20";
#else
constexpr auto kAtOnce = std::chrono::milliseconds(100);
constexpr char kStepLimit[] = "1";
#endif

v1::CreateJobRequest Named(const std::string& id, int steps, uint64_t seed) {
  v1::CreateJobRequest request = SampleRequest(1, steps, seed);
  request.set_job_id(id);
  return request;
}

// --- Poison ---------------------------------------------------------------

// The poison comes while the others run, and shares its first call with them.
TEST(PoisonTest, AJobThatKillsTheProcessIsQuarantinedAndTheOthersAreDone) {
  constexpr int kGood = 3;
  const ScopedFailpoints failpoints("engine.step(poison)=crash");
  RunningServer server;
  v1::Job job;
  for (int i = 0; i < kGood; ++i) {
    ASSERT_TRUE(server.client().Create(Named(absl::StrCat("good-", i), 400, 5), &job).ok());
  }
  ASSERT_TRUE(server.client().WaitForStep("jobs/good-2", 1).ok());
  // It may be gone before the reply.
  (void)server.client().Create(Named("poison", 60, 1), &job);
  int deaths = 0;
  while (!server.client().WaitForEnd("jobs/poison", &job).ok()) {
    ASSERT_EQ(server.process().Stop(0), kFailpointExitCode);
    ASSERT_LE(++deaths, 10) << "the server dies again and again of the same job";
    server.Start();
  }
  EXPECT_EQ(job.state(), v1::Job::FAILED);
  EXPECT_EQ(job.error().reason(), "QUARANTINED") << job.ShortDebugString();
  EXPECT_EQ(deaths, 3);
  const std::string expected = ResultOf(server.client(), "jobs/good-0");
  for (int i = 1; i < kGood; ++i) {
    EXPECT_TRUE(ResultOf(server.client(), absl::StrCat("jobs/good-", i)) == expected);
  }
}

// Kills from outside: each life is long enough for one step.
TEST(PoisonTest, AJobThatGoesOnIsNeverQuarantinedHoweverOftenItsServerIsKilled) {
  constexpr int kKills = 12;
  const v1::CreateJobRequest request = Named("job-0", 1000, 9);
  RunningServer server;
  v1::Job job;
  ASSERT_TRUE(server.client().Create(request, &job).ok());
  int step = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    v1::WatchJobRequest watch;
    watch.set_name("jobs/job-0");
    // A checkpoint is written before the progress after the next is told.
    int seen = 0;
    int told = 0;
    ASSERT_TRUE(server.client()
                    .Watch(watch,
                           [&](const v1::WatchJobResponse& event) {
                             if (!event.has_progress()) return true;
                             seen = event.progress().step();
                             return ++told < 4;
                           })
                    .ok());
    EXPECT_GT(seen, 0);
    step = std::max(step, seen);
    server.process().Kill();
    server.Start();
  }
  ASSERT_TRUE(server.client().Get("jobs/job-0", &job).ok());
  EXPECT_THAT(job.state(), testing::AnyOf(v1::Job::RUNNING, v1::Job::QUEUED))
      << job.ShortDebugString();
  EXPECT_GE(job.attempt(), kKills);
  EXPECT_LE(job.crashes(), 3);
}

// --- Hangs ----------------------------------------------------------------

TEST(HangTest, AStepThatHangsEndsTheProcessAndTheJobGoesOn) {
  const v1::CreateJobRequest request = Named("job-0", 60, 3);
  const std::string expected = Undisturbed(request);
  RunningServer server({"--step-limit-seconds", kStepLimit});
  {
    const ScopedFailpoints failpoints("engine.step=delay:1h@20");
    EXPECT_EQ(server.Terminate(), 0);
    server.Start();
  }
  v1::Job job;
  ASSERT_TRUE(server.client().Create(request, &job).ok());
  EXPECT_FALSE(server.client().WaitForEnd("jobs/job-0", &job).ok());
  EXPECT_EQ(server.process().Stop(0), -SIGABRT);
  server.Start();
  EXPECT_TRUE(ResultOf(server.client(), "jobs/job-0") == expected);
}

// --- A device that is lost ------------------------------------------------

// What LibTorch throws after an illegal access of a GPU, and again in every call that
// this job is in: none of those that share its call is blamed, nor is it.
TEST(LostDeviceTest, EndsTheProcessAndTheJobsGoOnTwentyTimes) {
  constexpr int kLosses = 20;
  const std::string expected = Undisturbed(Named("job-0", 60, 3));
  RunningServer server;
  for (int loss = 0; loss < kLosses && !HasFailure(); ++loss) {
    const auto id = [&](const char* suffix) { return absl::StrCat("job-", loss, suffix); };
    ASSERT_EQ(server.Terminate(), 0);
    {
      const ScopedFailpoints failpoints(absl::StrCat("engine.device(", id("-c"), ")=error@0"));
      server.Start();
    }
    v1::Job job;
    ASSERT_TRUE(server.client().Create(Named(id("-a"), 60, 3), &job).ok());
    ASSERT_TRUE(server.client().Create(Named(id("-b"), 60, 3), &job).ok());
    ASSERT_TRUE(server.client().WaitForStep("jobs/" + id("-b"), 1).ok());
    // The process may be gone before the reply.
    (void)server.client().Create(Named(id("-c"), 60, 3), &job);
    EXPECT_EQ(server.process().Stop(0), -SIGABRT);
    server.Start();
    for (const char* suffix : {"-a", "-b", "-c"}) {
      EXPECT_TRUE(ResultOf(server.client(), "jobs/" + id(suffix), &job) == expected);
      EXPECT_LE(job.crashes(), 1);
    }
  }
}

// --- Drain ----------------------------------------------------------------

class DrainTest : public testing::Test {
 protected:
  // When the health service first said something else than SERVING.
  static steady_clock::time_point UnhealthySince(const std::string& address) {
    const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
    grpc::GenericStub stub(channel);
    for (;;) {
      grpc::ClientContext context;
      const grpc::ByteBuffer request(nullptr, 0);
      grpc::ByteBuffer response;
      std::promise<grpc::Status> done;
      stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                     [&](grpc::Status status) { done.set_value(std::move(status)); });
      const grpc::Status status = done.get_future().get();
      std::string bytes;
      std::vector<grpc::Slice> slices;
      if (status.ok() && response.Dump(&slices).ok()) {
        for (const grpc::Slice& slice : slices) bytes.append(slice.begin(), slice.end());
      }
      // HealthCheckResponse{status: SERVING}
      if (bytes != std::string("\x08\x01", 2)) return steady_clock::now();
    }
  }
};

TEST_F(DrainTest, HealthIsGoneAtOnceWatchersAreToldAndNoCrashIsCounted) {
  RunningServer server;
  v1::Job job;
  ASSERT_TRUE(server.client().Create(Named("job-0", 1000, 4), &job).ok());
  ASSERT_TRUE(server.client().WaitForStep("jobs/job-0", 5).ok());
  steady_clock::time_point unhealthy;
  std::thread prober([&] { unhealthy = UnhealthySince(server.process().address()); });
  grpc::Status ended;
  int64_t last_sequence = 0;
  v1::WatchJobRequest watch;
  watch.set_name("jobs/job-0");
  std::thread watcher([&] {
    ended = server.client().Watch(watch, [&](const v1::WatchJobResponse& event) {
      last_sequence = event.sequence();
      return true;
    });
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // both are at work
  const steady_clock::time_point start = steady_clock::now();
  kill(server.process().pid(), SIGTERM);
  kill(server.process().pid(), SIGINT);
  EXPECT_EQ(server.process().Stop(SIGTERM), 0) << "later signals are harmless";
  const steady_clock::duration took = steady_clock::now() - start;
  prober.join();
  watcher.join();
  RecordProperty("not_serving_ms",
                 static_cast<int>((unhealthy - start) / std::chrono::milliseconds(1)));
  EXPECT_LE(unhealthy - start, kAtOnce);
  EXPECT_LE(took, std::chrono::seconds(5));
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(MayRetry(ended));
  server.Start();
  watch.set_after_sequence(last_sequence);
  v1::WatchJobResponse first;
  ASSERT_TRUE(server.client()
                  .Watch(watch,
                         [&](const v1::WatchJobResponse& event) {
                           first = event;
                           return false;
                         })
                  .ok());
  EXPECT_GE(first.sequence(), last_sequence);
  ASSERT_TRUE(server.client().WaitForStep("jobs/job-0", 6).ok());
  ASSERT_TRUE(server.client().Get("jobs/job-0", &job).ok());
  EXPECT_EQ(job.crashes(), 1) << "the attempt in progress alone";
}

TEST_F(DrainTest, AServerThatLoadsItsModelsEndsAtOnce) {
  const TempFolder data;
  const ScopedFailpoints failpoints("server.load=delay:1h");
  std::vector<std::string> arguments = ServerArguments(data.path(), {"--log-level", "info"});
  const std::unique_ptr<ChildProcess> server = ChildProcess::Start(TWEEDIED, arguments);
  ASSERT_NE(server, nullptr);
  ASSERT_TRUE(server->WaitForError("loading models"));
  const steady_clock::time_point start = steady_clock::now();
  server->Signal(SIGTERM);
  EXPECT_EQ(server->Wait().exit_code, 0);
  EXPECT_LE(steady_clock::now() - start, std::chrono::seconds(5));
}

// Reading new models takes seconds, which nobody who asks must wait for.
TEST_F(DrainTest, HealthIsGoneAtOnceWhileNewModelsAreRead) {
  const std::string model = TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32";
  const TempFolder models;
  std::filesystem::create_directory_symlink(model, models.File("m"));
  RunningServer server({"--models-dir", models.path()});
  for (int i = 0; i < 100; ++i) {
    std::filesystem::create_directory_symlink(model, models.File(absl::StrCat("new-", i)));
  }
  v1::Model first;
  v1::GetModelRequest request;
  request.set_name("models/new-0");
  grpc::Status found;
  do {
    grpc::ClientContext context;
    found = server.client().stub().GetModel(&context, request, &first);
  } while (found.error_code() == grpc::StatusCode::NOT_FOUND);
  ASSERT_TRUE(found.ok()) << found.error_message();
  steady_clock::time_point unhealthy;
  std::thread prober([&] { unhealthy = UnhealthySince(server.process().address()); });
  const steady_clock::time_point start = steady_clock::now();
  EXPECT_EQ(server.process().Stop(SIGTERM), 0);
  const steady_clock::duration took = steady_clock::now() - start;
  prober.join();
  EXPECT_LE(unhealthy - start, std::chrono::milliseconds(100));
  EXPECT_GT(took, std::chrono::milliseconds(100)) << "the run is void: all models had been read";
}

// --- Damage ---------------------------------------------------------------

class DamageTest : public testing::Test {
 protected:
  // Turns over a byte of each blob whose name begins so.
  int Damage(const std::string& prefix) {
    int damaged = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(server_.data_dir() + "/blobs/job-0")) {
      if (file.path().filename().string().rfind(prefix, 0) != 0) continue;
      std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
      bytes.seekg(-1, std::ios::end);
      const char last = static_cast<char>(bytes.get() ^ 1);
      bytes.seekp(-1, std::ios::end);
      bytes.put(last);
      ++damaged;
    }
    return damaged;
  }
  RunningServer server_;
};

TEST_F(DamageTest, ADamagedResultIsDataLoss) {
  v1::Job job;
  ASSERT_TRUE(server_.client().Create(Named("job-0", 10, 6), &job).ok());
  ResultOf(server_.client(), "jobs/job-0");
  ASSERT_EQ(Damage("result-"), 1);
  std::string bytes;
  const grpc::Status status = server_.client().Images("jobs/job-0", &bytes);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS) << status.error_message();
}

TEST_F(DamageTest, AJobWhoseCheckpointIsDamagedIsRunAgainToTheSameBits) {
  const v1::CreateJobRequest request = Named("job-0", 400, 8);
  v1::Job job;
  ASSERT_TRUE(server_.client().Create(request, &job).ok());
  ASSERT_TRUE(server_.client().WaitForStep("jobs/job-0", 20).ok());
  ASSERT_EQ(server_.Terminate(), 0);
  ASSERT_EQ(Damage("checkpoint-"), 1);
  server_.Start();
  EXPECT_TRUE(ResultOf(server_.client(), "jobs/job-0") == Undisturbed(request));
}

}  // namespace
}  // namespace tweedie
