#include <CLI/CLI.hpp>
#include <memory>

#include "client/cli/process_options.h"
#include "client/cli/tasks/tasks.h"

namespace tweedie::cli {
namespace {

class SampleOptions : public TaskOptions {
 public:
  void AddTo(CLI::App* command) override {
    command->add_option("-n,--num-images", num_images_, "How many images")->capture_default_str();
    AddProcessOptions(command, &process_);
  }

  absl::Status SetTask(v1::Job* job) const override {
    v1::SampleTask& task = *job->mutable_sample();
    task.set_num_images(num_images_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  int32_t num_images_ = 1;
  ProcessOptions process_;
};

}  // namespace

TaskInfo SampleTask() {
  return {"sample", "Draw images from the prior",
          "tweedie sample -n 16 --steps 50 --process ddim --seed 7 --out samples",
          [] { return std::make_unique<SampleOptions>(); }};
}

}  // namespace tweedie::cli
