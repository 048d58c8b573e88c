#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/image_files.h"
#include "client/cli/process_options.h"
#include "client/cli/tasks/tasks.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class DenoiseOptions : public TaskOptions {
 public:
  void AddTo(CLI::App* command) override {
    command->add_option("images", images_, "PNG or JPEG files, or folders of them")
        ->type_name("IMAGES")
        ->required();
    AddLevel(command);
    command->add_flag("--add-noise", add_noise_, "The images are clean; add the noise first");
    command->add_option("--reference", reference_, "The true clean images, for PSNR and SSIM")
        ->type_name("IMAGES");
    command->add_option("--samples", samples_, "Results for each image");
    AddProcessOptions(command, &process_);
  }

  absl::Status SetTask(v1::Job* job) const override {
    v1::DenoiseTask& task = *job->mutable_denoise();
    ASSIGN_OR_RETURN(*task.mutable_images(), ReadImages(images_));
    if (timestep_) task.set_timestep(*timestep_);
    if (sigma_) task.set_noise_sigma(*sigma_);
    task.set_add_noise(add_noise_);
    SetProcess(process_, &task);
    job->set_samples_per_image(samples_);
    if (reference_.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(*job->mutable_reference(), ReadImages(reference_));
    return absl::OkStatus();
  }

 private:
  void AddLevel(CLI::App* command) {
    auto* level = command->add_option_group("Level", "How noisy the images are: one of");
    level->add_option("-t,--timestep", timestep_, "The timestep that they are at");
    level->add_option("--sigma", sigma_, "Their noise's deviation, for images in [-1, 1]");
    level->require_option(1);
  }

  std::vector<std::string> images_;
  std::vector<std::string> reference_;
  std::optional<int32_t> timestep_;
  std::optional<double> sigma_;
  bool add_noise_ = false;
  int32_t samples_ = 0;
  ProcessOptions process_;
};

}  // namespace

TaskInfo DenoiseTask() {
  return {"denoise",
          "Estimate clean images: in one shot, or by a process if one of its options is given",
          "tweedie denoise photos/ --timestep 100 --add-noise --out clean",
          [] { return std::make_unique<DenoiseOptions>(); }};
}

}  // namespace tweedie::cli
