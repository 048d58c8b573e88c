#ifndef TWEEDIE_TESTS_TESTING_RUNNING_SERVER_H_
#define TWEEDIE_TESTS_TESTING_RUNNING_SERVER_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/server_process.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_client.h"

namespace tweedie {

// The options of a `tweedied` on free ports, unless `more` has --listen, with the
// project's own models.
inline std::vector<std::string> ServerArguments(const std::string& data_dir,
                                                const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {
      "--data-dir", data_dir,      "--models-dir", TWEEDIE_SOURCE_DIR "/models", "--http",
      "",           "--log-level", "warning",      "--disk-reserve-mebibytes",   "1"};
  if (std::find(more.begin(), more.end(), "--listen") == more.end()) {
    arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0"});
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// A server on a data folder of its own, and a client of it. It can be stopped
// or killed, and started again on the same data.
class RunningServer {
 public:
  using Credentials = std::shared_ptr<grpc::ChannelCredentials>;
  // `credentials`: of the client.
  explicit RunningServer(std::vector<std::string> more = {},
                         Credentials credentials = grpc::InsecureChannelCredentials())
      : more_(std::move(more)), credentials_(std::move(credentials)) {
    Start();
  }

  TestClient& client() { return *client_; }
  ServerProcess& process() { return *process_; }
  const std::string& data_dir() const { return data_.path(); }

  void Start() {
    std::string log;
    process_ = ServerProcess::Start(TWEEDIED, ServerArguments(data_.path(), more_), &log);
    ASSERT_NE(process_, nullptr) << log;
    client_ = std::make_unique<TestClient>(process_->address(), credentials_);
  }
  int Terminate() { return process_->Stop(SIGTERM); }

 private:
  const TempFolder data_;
  const std::vector<std::string> more_;
  const Credentials credentials_;
  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<TestClient> client_;
};

// Waits for the job's end, which must be a success, and reads all its images; `*job`
// is as it is then.
inline std::string ResultOf(TestClient& client, const std::string& name, v1::Job* job) {
  EXPECT_TRUE(client.WaitForEnd(name, job).ok());
  EXPECT_EQ(job->state(), v1::Job::SUCCEEDED) << job->ShortDebugString();
  std::string bytes;
  EXPECT_TRUE(client.Images(name, &bytes).ok());
  EXPECT_FALSE(bytes.empty());
  return bytes;
}
inline std::string ResultOf(TestClient& client, const std::string& name) {
  v1::Job job;
  return ResultOf(client, name, &job);
}

// What the request yields at a server of its own, with `more` options.
inline std::string Undisturbed(const v1::CreateJobRequest& request,
                               std::vector<std::string> more = {}) {
  RunningServer server(std::move(more));
  v1::Job job;
  EXPECT_TRUE(server.client().Create(request, &job).ok());
  return ResultOf(server.client(), job.name(), &job);
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_RUNNING_SERVER_H_
