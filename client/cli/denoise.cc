#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/follow.h"
#include "client/cli/image_files.h"
#include "client/cli/job_options.h"
#include "client/cli/process_options.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct DenoiseOptions {
  std::vector<std::string> images;
  std::vector<std::string> reference;
  std::optional<int32_t> timestep;
  std::optional<double> sigma;
  bool add_noise = false;
  int32_t samples = 0;
  bool detach = false;
  ProcessOptions process;
  JobOptions job;
  OutputOptions output;
};

absl::Status AddTask(const DenoiseOptions& options, v1::Job* job) {
  v1::DenoiseTask& task = *job->mutable_denoise();
  ASSIGN_OR_RETURN(*task.mutable_images(), ReadImages(options.images));
  if (options.timestep) task.set_timestep(*options.timestep);
  if (options.sigma) task.set_noise_sigma(*options.sigma);
  task.set_add_noise(options.add_noise);
  SetProcess(options.process, &task);
  job->set_samples_per_image(options.samples);
  if (options.reference.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*job->mutable_reference(), ReadImages(options.reference));
  return absl::OkStatus();
}

absl::StatusOr<int> Denoise(const DenoiseOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const std::string model, FindModel(options.job, session));
  ASSIGN_OR_RETURN(v1::CreateJobRequest request, MakeRequest(options.job, model));
  RETURN_IF_ERROR(AddTask(options, request.mutable_job()));
  return CreateAndFollow(session, request, options.detach, options.output);
}

void AddLevel(CLI::App* command, DenoiseOptions* options) {
  auto* level = command->add_option_group("Level", "How noisy the images are: one of");
  level->add_option("-t,--timestep", options->timestep, "The timestep that they are at");
  level->add_option("--sigma", options->sigma, "Their noise's deviation, for images in [-1, 1]");
  level->require_option(1);
}

}  // namespace

void AddDenoise(CLI::App* app, Command* selected) {
  auto options = std::make_shared<DenoiseOptions>();
  CLI::App* command = app->add_subcommand(
      "denoise",
      "Estimate clean images: in one shot, or by a process if one of its options is given");
  command->add_option("images", options->images, "PNG or JPEG files, or folders of them")
      ->required();
  AddLevel(command, options.get());
  command->add_flag("--add-noise", options->add_noise, "The images are clean; add the noise first");
  command->add_option("--reference", options->reference,
                      "The true clean images, for PSNR and SSIM");
  command->add_option("--samples", options->samples, "Results for each image");
  command->add_flag("--detach", options->detach, "Print the job's name and do not wait");
  AddProcessOptions(command, &options->process);
  AddJobOptions(command, &options->job);
  AddOutOption(command, &options->output);
  AddFrameOptions(command, &options->output);
  command->footer("Example: tweedie denoise photos/ --timestep 100 --add-noise --out clean");
  command->callback(
      [=] { *selected = [=](Session& session) { return Denoise(*options, session); }; });
}

}  // namespace tweedie::cli
