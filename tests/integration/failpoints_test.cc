// Every edge of persistence x {crash, delay, error} (reliability.md, R2): a job is
// never lost, ends once, and with the bits of an undisturbed run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/failpoint.h"
#include "tests/testing/running_server.h"
#include "tests/testing/scoped_environment.h"

namespace tweedie {
namespace {

constexpr int kSteps = 60;

v1::CreateJobRequest Request() {
  v1::CreateJobRequest request = SampleRequest(1, kSteps, 21);
  request.set_job_id("job-0");
  request.set_request_id("00000000-0000-4000-8000-000000000001");
  return request;
}

const std::string& Undisturbed() {
  static const std::string* const bytes = [] {
    RunningServer server;
    v1::Job job;
    auto* const result = new std::string;
    EXPECT_TRUE(server.client().Create(Request(), &job).ok());
    EXPECT_TRUE(server.client().WaitForEnd(job.name(), &job).ok());
    EXPECT_TRUE(server.client().Images(job.name(), result).ok());
    return result;
  }();
  return *bytes;
}

// A server with one failpoint armed, which is started again without it after it
// has died of it.
class ArmedServer {
 public:
  explicit ArmedServer(const std::string& failpoints) : failpoints_(failpoints) { Start(); }

  bool died() const { return failpoints_.empty(); }
  TestClient& client() { return *client_; }
  // Makes the call until it succeeds.
  template <typename Call>
  void Insist(Call call) {
    for (int attempt = 0; attempt < 200; ++attempt) {
      const grpc::Status status = call(*client_);
      if (status.ok()) return;
      ASSERT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
      if (!process_->IsAlive()) Restart(process_->Stop(SIGTERM));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // back-off
    }
    FAIL() << "the call did not succeed";
  }
  void DrainAndRestart() { Restart(process_->Stop(SIGTERM)); }

 private:
  void Start() {
    std::string log;
    {
      const ScopedFailpoints armed(failpoints_);
      process_ = ServerProcess::Start(TWEEDIED, ServerArguments(data_.path()), &log);
    }
    if (process_ == nullptr && !died()) return Restart(kFailpointExitCode);
    ASSERT_NE(process_, nullptr) << log;
    client_ = std::make_unique<TestClient>(process_->address());
  }
  void Restart(int exit_code) {
    if (!died() && exit_code == kFailpointExitCode) {
      failpoints_.clear();
    } else {
      EXPECT_EQ(exit_code, 0);
    }
    Start();
  }

  const TempFolder data_;
  std::string failpoints_;
  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<TestClient> client_;
};

using Parameters = std::tuple<absl::string_view, absl::string_view>;
class FailpointsTest : public testing::TestWithParam<Parameters> {};

TEST_P(FailpointsTest, JobEndsOnceAsUndisturbed) {
  const auto [name, action] = GetParam();
  ArmedServer server(absl::StrCat(name, "=", action));
  v1::Job job;
  server.Insist([&](TestClient& client) { return client.Create(Request(), &job); });
  server.Insist([&](TestClient& client) { return client.WaitForStep("jobs/job-0", kSteps / 10); });
  ASSERT_FALSE(HasFatalFailure());
  server.DrainAndRestart();
  server.Insist([&](TestClient& client) { return client.WaitForEnd("jobs/job-0", &job); });
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
  std::string bytes;
  server.Insist([&](TestClient& client) { return client.Images("jobs/job-0", &bytes); });
  EXPECT_TRUE(bytes == Undisturbed());
  EXPECT_EQ(server.died(), action == "crash") << "the failpoint was not reached";
  EXPECT_LE(job.crashes(), 1);
}

INSTANTIATE_TEST_SUITE_P(All, FailpointsTest,
                         testing::Combine(testing::ValuesIn(kFailpoints),
                                          testing::Values("crash", "delay:300ms")),
                         [](const auto& test) {
                           const std::string name(std::get<0>(test.param));
                           return absl::StrCat(absl::StrReplaceAll(name, {{".", "_"}}), "_",
                                               std::get<1>(test.param).substr(0, 5));
                         });

// Where an error is not that of a start or of a step, which may end it.
INSTANTIATE_TEST_SUITE_P(
    Errors, FailpointsTest,
    testing::Combine(testing::Values("create.before", "create.after", "create.reply",
                                     "claim.before", "claim.after", "heartbeat.before",
                                     "heartbeat.after", "checkpoint.before", "checkpoint.blob",
                                     "checkpoint.after", "result.before", "result.after",
                                     "finish.before", "finish.after", "release.before",
                                     "release.after", "file.write", "file.rename", "file.sync"),
                     testing::Values("error")),
    [](const auto& test) {
      return absl::StrReplaceAll(std::string(std::get<0>(test.param)), {{".", "_"}});
    });

}  // namespace
}  // namespace tweedie
