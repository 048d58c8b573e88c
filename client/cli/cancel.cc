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
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

absl::StatusOr<int> Cancel(const std::vector<std::string>& names, Session& session) {
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const v1::Job job, session.client().CancelJob(JobName(name)));
    session.Result(session.json() ? ToJson(job) : DescribeJob(job));
  }
  return kOk;
}

}  // namespace

void AddCancel(CLI::App* app, Command* selected) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app->add_subcommand("cancel", "Ask jobs to stop");
  command->add_option("jobs", *names, "The jobs' names")->required();
  command->footer("Example: tweedie cancel jobs/abc123");
  command->callback([=] { *selected = [=](Session& session) { return Cancel(*names, session); }; });
}

}  // namespace tweedie::cli
