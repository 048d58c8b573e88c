#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/follow.h"
#include "client/cli/names.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct WatchOptions {
  std::string name;
  OutputOptions output;
};

absl::StatusOr<int> Watch(const WatchOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::Job job, session.client().GetJob(JobName(options.name)));
  return FollowJob(session, job, options.output);
}

}  // namespace

void AddWatch(CLI::App* app, Command* selected) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* command = app->add_subcommand("watch", "Watch a job until it has ended");
  command->add_option("job", options->name, "The job's name")->type_name(kJobType)->required();
  AddOutOption(command, &options->output);
  AddFrameOptions(command, &options->output);
  command->footer("Example: tweedie watch jobs/abc123 --frames frames --out images");
  command->callback(
      [=] { *selected = [=](Session& session) { return Watch(*options, session); }; });
}

}  // namespace tweedie::cli
