#ifndef TWEEDIE_TESTS_E2E_CLI_TEST_H_
#define TWEEDIE_TESTS_E2E_CLI_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "imaging/image.h"
#include "nlohmann/json.hpp"
#include "tests/testing/child_process.h"
#include "tests/testing/running_server.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {

// The exit codes that `tweedie --help` promises.
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kUnavailable = 4,
  kCancelled = 5,
  kPrecondition = 6,
  kExhausted = 7,
  kLocalFile = 8,
  kUnauthenticated = 9,
  kPermissionDenied = 10,
  kSomeFailed = 11,
  kInterrupted = 130,
};

// The lines of what a program wrote; the last must be ended too.
inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_EQ(lines.back(), "") << "the last line is not ended";
  lines.pop_back();
  return lines;
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The picture in a file; an empty one, and a failure, if it is none.
inline Image ReadPicture(const std::string& path) {
  const absl::StatusOr<Image> image = DecodeImage(ReadFile(path));
  EXPECT_THAT(image, IsOk()) << path;
  return image.value_or(Image{});
}

// The objects that --json printed, one a line; a failure if a line is none.
inline std::vector<nlohmann::json> Objects(const Finished& finished) {
  std::vector<nlohmann::json> objects;
  for (const std::string& line : Lines(finished.out)) {
    objects.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
    EXPECT_TRUE(objects.back().is_object()) << line;
  }
  return objects;
}

// One server for all tests of a binary, and the command-line client.
class CliTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new RunningServer(); }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->Terminate(), 0);
    delete server_;
  }

  RunningServer& server() { return *server_; }
  TestClient& client() { return server_->client(); }
  // A path in a folder of this test's own.
  std::string File(const std::string& name) const { return folder_.File(name); }

  // Starts `tweedie` for the server.
  std::unique_ptr<ChildProcess> Start(const std::vector<std::string>& arguments) {
    auto child =
        ChildProcess::Start(TWEEDIE, arguments, {"TWEEDIE_SERVER=" + server_->process().address()});
    EXPECT_NE(child, nullptr) << "the client did not start";
    return child;
  }
  // Runs it to its end.
  Finished Run(const std::vector<std::string>& arguments) { return Start(arguments)->Wait(); }
  // Runs it, and expects that it succeeds.
  Finished MustRun(const std::vector<std::string>& arguments) {
    Finished finished = Run(arguments);
    EXPECT_EQ(finished.exit_code, kDone) << finished.err;
    return finished;
  }
  // Creates a job that would run for minutes, and returns its name.
  std::string StartLongJob() {
    return Lines(MustRun({"sample", "-n", "64", "--detach"}).out).at(0);
  }

  v1::Job::State StateOf(const std::string& name) {
    v1::Job job;
    EXPECT_TRUE(client().Get(name, &job).ok()) << name;
    return job.state();
  }
  // Ends a job that would run on beside the next tests.
  void Cancel(const std::string& name) {
    v1::Job job;
    EXPECT_TRUE(client().Cancel(name, &job).ok());
    EXPECT_TRUE(client().WaitForEnd(name, &job).ok());
  }

 private:
  inline static RunningServer* server_ = nullptr;
  const TempFolder folder_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_E2E_CLI_TEST_H_
