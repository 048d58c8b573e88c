#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/follow.h"
#include "client/cli/job_options.h"
#include "client/cli/methods/methods.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct RestoreOptions {
  std::unique_ptr<MethodOptions> method;
  MeasurementOptions measurement;
  bool detach = false;
  JobOptions job;
  OutputOptions output;
};

absl::StatusOr<int> Restore(RestoreOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const std::string model, FindModel(options.job, session));
  ASSIGN_OR_RETURN(v1::CreateJobRequest request, MakeRequest(options.job, model));
  RETURN_IF_ERROR(options.method->SetTask(options.measurement, request.mutable_job()));
  RETURN_IF_ERROR(AddReference(options.measurement, request.mutable_job()));
  options.output.truth = TruthFiles(options.measurement);
  return CreateAndFollow(session, request, options.detach, options.output);
}

void AddMethod(const MethodInfo& method, CLI::App* app, Command* selected) {
  auto options = std::make_shared<RestoreOptions>();
  options->method = method.make_options();
  CLI::App* command = app->add_subcommand(method.name, method.about);
  command->add_flag("--detach", options->detach, "Print the job's name and do not wait");
  AddMeasurementOptions(command, &options->measurement);
  options->method->AddTo(command);
  AddJobOptions(command, &options->job);
  AddOutOption(command, &options->output);
  AddFrameOptions(command, &options->output);
  command->footer(std::string("Example: ") + method.example);
  command->callback(
      [=] { *selected = [=](Session& session) { return Restore(*options, session); }; });
}

}  // namespace

void AddRestore(CLI::App* app, Command* selected) {
  for (const MethodInfo* method : Methods()) AddMethod(*method, app, selected);
}

}  // namespace tweedie::cli
