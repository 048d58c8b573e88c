#ifndef TWEEDIE_TESTS_TESTING_LOGGED_SERVER_H_
#define TWEEDIE_TESTS_TESTING_LOGGED_SERVER_H_

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/running_server.h"

namespace tweedie {

// A `tweedied` on a data folder of its own that logs JSON into a file, also through
// restarts. Not thread-safe.
class LoggedServer {
 public:
  explicit LoggedServer(std::vector<std::string> more = {}) : more_(std::move(more)) { Start(); }

  TestClient& client() { return *client_; }
  ServerProcess& process() { return *process_; }

  void Start() {
    std::vector<std::string> arguments = {"--log-format", "json", "--log-level", "info"};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    // A shell that becomes the server: its log is a file, which cannot fill up.
    std::vector<std::string> command = {"-c", "exec \"$@\" 2>>" + log_path(), "sh", TWEEDIED};
    for (const std::string& argument : ServerArguments(data_.path(), arguments)) {
      command.push_back(argument);
    }
    process_ = ServerProcess::Start("/bin/sh", command);
    ASSERT_NE(process_, nullptr) << LogText();
    client_ = std::make_unique<TestClient>(process_->address());
  }
  int Terminate() { return process_->Stop(SIGTERM); }

  std::string LogText() const {
    std::ifstream file(log_path());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // Each line, which must be a JSON object.
  std::vector<nlohmann::json> Log() const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(LogText());
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
      EXPECT_TRUE(lines.back().is_object()) << line;
    }
    return lines;
  }
  // The lines about changes of a job, `jobs/...`.
  std::vector<nlohmann::json> Audit(const std::string& job) const {
    std::vector<nlohmann::json> lines;
    for (nlohmann::json& line : Log()) {
      if (line.contains("event") && line.value("job", "") == job) lines.push_back(std::move(line));
    }
    return lines;
  }
  // Their events, in order.
  std::vector<std::string> Events(const std::string& job) const {
    std::vector<std::string> events;
    for (const nlohmann::json& line : Audit(job)) events.push_back(line["event"]);
    return events;
  }

 private:
  std::string log_path() const { return folder_.File("log"); }

  const TempFolder data_;
  const TempFolder folder_;
  const std::vector<std::string> more_;
  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<TestClient> client_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_LOGGED_SERVER_H_
