#include "client/cli/exit_code.h"

#include "absl/strings/str_cat.h"
#include "client/cli/local_file.h"

namespace tweedie::cli {

int ExitCodeOf(const absl::Status& status) {
  if (IsLocalFileError(status)) return kLocalFile;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kUsage;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kUnavailable;
    case absl::StatusCode::kCancelled:
      return kCancelled;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return kPrecondition;
    case absl::StatusCode::kResourceExhausted:
      return kExhausted;
    case absl::StatusCode::kUnauthenticated:
      return kUnauthenticated;
    case absl::StatusCode::kPermissionDenied:
      return kPermissionDenied;
    default:
      return kFailed;
  }
}

int ExitCodeOf(const v1::Job& job) {
  switch (job.state()) {
    case v1::Job::SUCCEEDED:
      return kOk;
    case v1::Job::CANCELLED:
      return kCancelled;
    default:
      return kFailed;
  }
}

std::string DescribeError(const absl::Status& status, const std::string& server) {
  const std::string message(status.message());
  if (absl::IsUnavailable(status)) return absl::StrCat("no answer from ", server, ": ", message);
  if (message.empty()) return absl::StatusCodeToString(status.code());
  return message;
}

std::string ExitCodesHelp() {
  return "Exit codes:\n"
         "  0    done\n"
         "  1    the job failed, or the server did\n"
         "  2    wrong usage, or the server refused an argument\n"
         "  3    no such job or model\n"
         "  4    the server could not be reached, or did not answer in time\n"
         "  5    the job was cancelled\n"
         "  6    the state does not allow it, or it exists already\n"
         "  7    the server is full, or the request too large\n"
         "  8    a local file could not be read or written\n"
         "  9    the server does not know you (--token-file, --cert), or its certificate is not\n"
         "       accepted (--ca)\n"
         "  10   you may not do this\n"
         "  11   some jobs of a batch failed or were refused; the others are done\n"
         "  130  interrupted (Ctrl-C); a job goes on\n";
}

}  // namespace tweedie::cli
