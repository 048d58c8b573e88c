#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class ReddiffOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--learning-rate", &learning_rate_, "Adam's step; 0.1 by default");
    group.Add("--prior-weight", &prior_weight_, "Weight of the prior; 0.25 by default");
    group.Add("--data-weight", &data_weight_, "Weight of the measurement; 1 by default");
    AddStepOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::ReddiffTask& task = *job->mutable_reddiff();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    if (learning_rate_) task.set_learning_rate(*learning_rate_);
    if (prior_weight_) task.set_prior_weight(*prior_weight_);
    if (data_weight_) task.set_data_weight(*data_weight_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  std::optional<double> learning_rate_;
  std::optional<double> prior_weight_;
  std::optional<double> data_weight_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kReddiff = {
    "reddiff", "Regularisation by denoising diffusion, RED-diff (Mardani et al., 2024)",
    "tweedie reddiff --simulate-from photos/ --mri 4x --noise 0.02 --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<ReddiffOptions>(); }};

}  // namespace tweedie::cli
