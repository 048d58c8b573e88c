#ifndef TWEEDIE_CLIENT_CLI_EXIT_CODE_H_
#define TWEEDIE_CLIENT_CLI_EXIT_CODE_H_

#include <string>

#include "absl/status/status.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

// What the program ends with, by kind of failure.
enum ExitCode {
  kOk = 0,
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

// The exit code for an error of a call, or of a local file (see LocalFileError()).
int ExitCodeOf(const absl::Status& status);

// The exit code for a job that has ended.
int ExitCodeOf(const v1::Job& job);

// What to tell about an error. `server` is named if it could not be reached.
std::string DescribeError(const absl::Status& status, const std::string& server);

// The table of exit codes for --help.
std::string ExitCodesHelp();

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EXIT_CODE_H_
