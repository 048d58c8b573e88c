#include "client/cli/session.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/connection_problem.h"
#include "client/cli/exit_code.h"
#include "client/cli/local_file.h"
#include "client/cli/plain_text.h"
#include "client/cli/text.h"
#include "core/base/status_macros.h"
#include "net/channel.h"
#include "net/connecting.h"

namespace tweedie::cli {

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const GlobalOptions& options) {
  std::unique_ptr<Session> session(new Session(options));
  RETURN_IF_ERROR(session->Connect());
  return session;
}

Session::Session(const GlobalOptions& options)
    : options_(options),
      interrupts_(&cancellation_),
      terminal_(stderr, !options.quiet),
      farewell_(&interrupts_, [this] { terminal_.Clear(); }) {}

absl::Status Session::Connect() {
  std::vector<std::string> warnings;
  ASSIGN_OR_RETURN(channel_, ReadConnection(options_.connection, &warnings));
  for (const std::string& warning : warnings) Warn(absl::StrCat("warning: ", warning));
  Detail(absl::StrCat("server ", channel_.target, channel_.tls ? ", TLS" : "",
                      channel_.token.empty() ? "" : ", with a token"));
  ASSIGN_OR_RETURN(connection_, MakeChannel(channel_));
  const std::shared_ptr<Client::Stub> stub = v1::Tweedie::NewStub(connection_);
  ClientOptions options = MakeClientOptions(&cancellation_);
  client_.emplace(stub, options);
  options.retry.give_up_after = options.resume.give_up_after;
  patient_client_.emplace(stub, std::move(options));
  lasting_client_.emplace(stub, MakeClientOptions(nullptr));
  return absl::OkStatus();
}

Client Session::MakeClient(std::function<void(const absl::Status&, absl::Duration)> on_retry) {
  ClientOptions options = MakeClientOptions(&cancellation_);
  options.on_retry = std::move(on_retry);
  return Client(v1::Tweedie::NewStub(connection_), std::move(options));
}

Client Session::MakeHastyClient(absl::Duration timeout) {
  ClientOptions options = MakeClientOptions(&cancellation_);
  options.retry.give_up_after = absl::ZeroDuration();
  options.retry.give_up_when_full = absl::ZeroDuration();
  options.call_timeout = timeout;
  return Client(v1::Tweedie::NewStub(connection_), std::move(options));
}

ClientOptions Session::MakeClientOptions(Cancellation* cancellation) {
  ClientOptions options;
  options.retry.give_up_after = absl::Seconds(options_.retry_seconds);
  options.retry.give_up_when_full = absl::Seconds(options_.wait_seconds);
  options.resume.give_up_after =
      std::max(options.resume.give_up_after, options.retry.give_up_after);
  options.cancellation = cancellation;
  options.explain = [this](const absl::Status& error) {
    return ExplainNoConnection(channel_, error);
  };
  options.on_retry = [this](const absl::Status& error, absl::Duration delay) {
    Note(absl::StrCat(DescribeError(error, options_.connection.server), "; trying again in ",
                      Seconds(delay), " s"));
  };
  options.sleep = [channel = connection_, cancellation](absl::Duration delay) {
    WaitWhileConnecting(*channel, delay, [cancellation] {
      return cancellation != nullptr && cancellation->cancelled();
    });
  };
  return options;
}

void Session::Result(absl::string_view line) const {
  const std::string shown = options_.json ? std::string(line) : PlainText(line);
  if (std::printf("%s\n", shown.c_str()) < 0 || std::fflush(stdout) != 0) output_errno_ = errno;
}

absl::Status Session::output() const {
  if (output_errno_ == 0) return absl::OkStatus();
  return LocalFileError("standard output", std::strerror(output_errno_));
}

std::string Session::CommandLine(absl::string_view command) const {
  return absl::StrCat("tweedie ", command, CommandLineOf(options_.connection));
}

}  // namespace tweedie::cli
