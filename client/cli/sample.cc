#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/follow.h"
#include "client/cli/job_options.h"
#include "client/cli/process_options.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct SampleOptions {
  int32_t num_images = 1;
  bool detach = false;
  ProcessOptions process;
  JobOptions job;
  OutputOptions output;
};

absl::StatusOr<int> Sample(const SampleOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const std::string model, FindModel(options.job, session));
  ASSIGN_OR_RETURN(v1::CreateJobRequest request, MakeRequest(options.job, model));
  v1::SampleTask& task = *request.mutable_job()->mutable_sample();
  task.set_num_images(options.num_images);
  SetProcess(options.process, &task);
  return CreateAndFollow(session, request, options.detach, options.output);
}

}  // namespace

void AddSample(CLI::App* app, Command* selected) {
  auto options = std::make_shared<SampleOptions>();
  CLI::App* command = app->add_subcommand("sample", "Draw images from the prior");
  command->add_option("-n,--num-images", options->num_images, "How many images")
      ->capture_default_str();
  command->add_flag("--detach", options->detach, "Print the job's name and do not wait");
  AddProcessOptions(command, &options->process);
  AddJobOptions(command, &options->job);
  AddOutOption(command, &options->output);
  AddFrameOptions(command, &options->output);
  command->footer("Example: tweedie sample -n 16 --steps 50 --process ddim --seed 7 --out samples");
  command->callback(
      [=] { *selected = [=](Session& session) { return Sample(*options, session); }; });
}

}  // namespace tweedie::cli
