#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/follow.h"
#include "client/cli/job_options.h"
#include "client/cli/session.h"
#include "client/cli/tasks/tasks.h"
#include "client/cli/waiting.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct RunOptions {
  std::unique_ptr<TaskOptions> task;
  bool detach = false;
  JobOptions job;
  IdOptions ids;
  OutputOptions output;
};

absl::StatusOr<int> Run(const RunOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const std::string model, FindModel(options.job, session));
  v1::CreateJobRequest request;
  SetIds(options.ids, &request);
  ASSIGN_OR_RETURN(*request.mutable_job(), MakeJob(options.job, model));
  RETURN_IF_ERROR(options.task->SetTask(request.mutable_job()));
  OutputOptions output = options.output;
  output.truth = options.task->truth();
  return CreateAndFollow(session, request, options.detach, output);
}

void AddTask(const TaskInfo& task, CLI::App* app, Command* selected) {
  auto options = std::make_shared<RunOptions>();
  options->task = task.make_options();
  CLI::App* command = app->add_subcommand(task.name, task.about);
  options->task->AddTo(command);
  AddWaitOptions(command, &options->detach);
  AddJobOptions(command, &options->job);
  AddIdOptions(command, &options->ids);
  AddOutOption(command, &options->output);
  AddFrameOptions(command, &options->output);
  command->footer(absl::StrCat("Example: ", task.example));
  command->callback([=] { *selected = [=](Session& session) { return Run(*options, session); }; });
}

}  // namespace

void AddTasks(CLI::App* app, Command* selected) {
  for (const TaskInfo& task : Tasks()) AddTask(task, app, selected);
}

}  // namespace tweedie::cli
