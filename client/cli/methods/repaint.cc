#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class RepaintOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--jump-length", &jump_length_, "Steps of a jump; 10 by default");
    group.Add("--resamples", &num_resamples_, "How often each stretch is sampled; 10 by default");
    OptionGroup process(command, "Reverse process");
    process.AddChoice("--variance", &process_.variance,
                      {"fixed-small", "fixed-large", "learned-range"},
                      "Of an ancestral step; by default the model's own");
    AddStepOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::RepaintTask& task = *job->mutable_repaint();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    if (jump_length_) task.set_jump_length(*jump_length_);
    if (num_resamples_) task.set_num_resamples(*num_resamples_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  std::optional<int32_t> jump_length_;
  std::optional<int32_t> num_resamples_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kRepaint = {
    "repaint", "Inpainting by resampling, RePaint (Lugmayr et al., 2022)",
    "tweedie repaint --simulate-from photos/ --inpaint-box 8,8,16,16 --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<RepaintOptions>(); }};

}  // namespace tweedie::cli
