// Every edge of persistence x {crash, delay of 5 s, error} (reliability.md, R2): a job
// is never lost, ends once, and with the bits of an undisturbed run. That failpoints
// act is noted by themselves.
//
// The count is of runs through each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/failpoint.h"
#include "tests/chaos/sqlite_audit.h"
#include "tests/chaos/workload.h"
#include "tests/testing/running_server.h"
#include "tests/testing/scoped_environment.h"

namespace tweedie {
namespace {

constexpr int kSteps = 60;

// Long enough that a drain meets them, but for the last.
const std::vector<v1::CreateJobRequest>& Requests() {
  static const auto* const requests = [] {
    auto* const made = new std::vector<v1::CreateJobRequest>{
        SampleRequest(1, kSteps, 21), SampleRequest(2, kSteps, 22), SampleRequest(1, kSteps, 23),
        DenoiseRequest(2, 300, 24)};
    for (int i = 0; i < 4; ++i) (*made)[i] = Repeated(*made, i);
    return made;
  }();
  return *requests;
}

const std::vector<std::string>& Undisturbed() {
  static const auto* const results = new std::vector<std::string>(UndisturbedResults(Requests()));
  return *results;
}

// A server with one failpoint armed, which is started again without it after it
// has died of it.
class ArmedServer {
 public:
  explicit ArmedServer(const std::string& failpoints) : failpoints_(failpoints) { Start(); }

  bool died() const { return failpoints_.empty(); }
  std::string data_dir() const { return data_.File("data"); }
  // The failpoints that did what they do, a line each.
  std::string hits() const {
    std::ifstream file(data_.File("hits"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
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
      const ScopedEnvironment noted("TWEEDIE_FAILPOINTS_LOG", data_.File("hits"));
      process_ = ServerProcess::Start(
          TWEEDIED, ServerArguments(data_.File("data"), {"--lease-seconds", "10"}), &log);
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

// Four jobs go through the failpoint, a drain and a new start.
void RunThrough(absl::string_view name, absl::string_view action) {
  ArmedServer server(absl::StrCat(name, "=", action));
  const SqliteAudit audit(server.data_dir() + "/queue.sqlite");
  for (const v1::CreateJobRequest& request : Requests()) {
    v1::Job job;
    server.Insist([&](TestClient& client) { return client.Create(request, &job); });
  }
  server.Insist([](TestClient& client) { return client.WaitForStep(JobName(0), kSteps / 10); });
  ASSERT_FALSE(testing::Test::HasFatalFailure());
  server.DrainAndRestart();
  for (int i = 0; i < 4; ++i) {
    v1::Job job;
    std::string bytes;
    server.Insist([&](TestClient& client) { return client.WaitForEnd(JobName(i), &job); });
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    EXPECT_LE(job.crashes(), 1);
    server.Insist([&](TestClient& client) { return client.Images(JobName(i), &bytes); });
    EXPECT_TRUE(bytes == Undisturbed()[i]) << JobName(i);
  }
  EXPECT_THAT(server.hits(), testing::HasSubstr(std::string(name))) << "the run is void";
  EXPECT_EQ(server.died(), action == "crash");
  EXPECT_EQ(audit.jobs(), 4);
  EXPECT_EQ(audit.changes_after_the_end(), 0);
}

TEST_P(FailpointsTest, JobsEndOnceAsUndisturbed) {
  const auto [name, action] = GetParam();
  for (int i = 0; i < ChaosCount(1) && !HasFailure(); ++i) RunThrough(name, action);
}

INSTANTIATE_TEST_SUITE_P(All, FailpointsTest,
                         testing::Combine(testing::ValuesIn(kFailpoints),
                                          testing::Values("crash", "delay:5s")),
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
