#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/job_text.h"
#include "client/cli/json.h"
#include "client/cli/names.h"
#include "client/cli/session.h"
#include "client/cli/waiting.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct CancelOptions {
  std::vector<std::string> names;
  bool wait = false;
};

absl::StatusOr<int> Cancel(const CancelOptions& options, Session& session) {
  std::vector<v1::Job> jobs;
  for (const std::string& name : options.names) {
    ASSIGN_OR_RETURN(v1::Job job, session.client().CancelJob(JobName(name)));
    jobs.push_back(std::move(job));
  }
  for (v1::Job& job : jobs) {
    if (options.wait) {
      ASSIGN_OR_RETURN(job, WaitForEnd(session.client(), job));
    }
    session.Result(session.json() ? ToJson(job) : DescribeJob(job));
  }
  return kOk;
}

}  // namespace

void AddCancel(CLI::App* app, Command* selected) {
  auto options = std::make_shared<CancelOptions>();
  CLI::App* command = app->add_subcommand("cancel", "Ask jobs to stop");
  command->add_option("jobs", options->names, "The jobs' names")->type_name(kJobType)->required();
  command->add_flag("--wait", options->wait, "Wait until they have stopped");
  command->footer("Example: tweedie cancel jobs/abc123");
  command->callback(
      [=] { *selected = [=](Session& session) { return Cancel(*options, session); }; });
}

}  // namespace tweedie::cli
