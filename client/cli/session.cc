#include "client/cli/session.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_code.h"
#include "client/cli/text.h"
#include "client/cpp/channel.h"

namespace tweedie::cli {

Session::Session(const GlobalOptions& options)
    : options_(options),
      interrupts_(&cancellation_),
      stub_(v1::Tweedie::NewStub(MakeChannel(options.server))),
      client_(stub_, MakeClientOptions(&cancellation_)),
      lasting_client_(stub_, MakeClientOptions(nullptr)) {}

ClientOptions Session::MakeClientOptions(Cancellation* cancellation) {
  ClientOptions options;
  options.retry.give_up_after = absl::Seconds(options_.retry_seconds);
  options.retry.give_up_when_full = absl::Seconds(options_.wait_seconds);
  options.resume.give_up_after =
      std::max(options.resume.give_up_after, options.retry.give_up_after);
  options.cancellation = cancellation;
  options.on_retry = [this](const absl::Status& error, absl::Duration delay) {
    Note(absl::StrCat(DescribeError(error, options_.server), "; trying again in ", Seconds(delay),
                      " s"));
  };
  return options;
}

void Session::Result(absl::string_view line) const {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

std::string Session::CommandLine(absl::string_view command) const {
  const bool is_default = options_.server == kDefaultServer;
  return absl::StrCat("tweedie ", command, is_default ? "" : " --server ",
                      is_default ? "" : options_.server);
}

}  // namespace tweedie::cli
