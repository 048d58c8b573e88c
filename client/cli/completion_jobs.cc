#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/session.h"

namespace tweedie::cli {
namespace {

// A person has pressed Tab.
constexpr absl::Duration kTimeout = absl::Seconds(1);
constexpr int kMostJobs = 200;

v1::ListJobsRequest JobsFor(const std::string& command) {
  v1::ListJobsRequest request;
  request.set_page_size(kMostJobs);
  if (command == "cancel" || command == "watch") {
    request.mutable_filter()->add_states(v1::Job::QUEUED);
    request.mutable_filter()->add_states(v1::Job::RUNNING);
  }
  return request;
}

// Says nothing of what goes wrong: it would stand in the middle of a command line.
absl::StatusOr<int> PrintJobs(const std::string& command, Session& session) {
  const absl::StatusOr<v1::ListJobsResponse> page =
      session.MakeHastyClient(kTimeout).ListJobs(JobsFor(command));
  if (!page.ok()) return ExitCodeOf(page.status());
  for (const v1::Job& job : page->jobs()) session.Result(job.name());
  return kOk;
}

}  // namespace

void AddCompletionJobs(CLI::App* app, Command* selected) {
  auto for_command = std::make_shared<std::string>();
  CLI::App* command =
      app->add_subcommand("completion-jobs", "Print names of jobs that a command may be given");
  command->group("");
  command->add_option("COMMAND", *for_command, "The command")->required();
  command->callback(
      [=] { *selected = [=](Session& session) { return PrintJobs(*for_command, session); }; });
}

}  // namespace tweedie::cli
