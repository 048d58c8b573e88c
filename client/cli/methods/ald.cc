#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class AldOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.AddChoice(
        "--prior", &prior_, {"ancestral", "langevin"},
        "The prior's part of a step: one reverse step (the default), or Langevin steps");
    group.Add("--steps-per-level", &steps_per_level_,
              "langevin: steps at each level; 3 by default");
    group.Add("--step-size", &step_size_, "langevin: in (0, 1]; 0.1 by default");
    group.Add("--gamma-scale", &gamma_scale_, "Width of the likelihood; 1 by default");
    group.Add("--likelihood-scale", &likelihood_scale_, "Weight of the likelihood; 1 by default");
    AddProcessOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::AldTask& task = *job->mutable_ald();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    if (prior_)
      task.set_prior(*prior_ == "langevin" ? v1::AldTask::LANGEVIN : v1::AldTask::ANCESTRAL);
    if (steps_per_level_) task.set_steps_per_level(*steps_per_level_);
    if (step_size_) task.set_step_size(*step_size_);
    if (gamma_scale_) task.set_gamma_scale(*gamma_scale_);
    if (likelihood_scale_) task.set_likelihood_scale(*likelihood_scale_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  std::optional<std::string> prior_;
  std::optional<int32_t> steps_per_level_;
  std::optional<double> step_size_;
  std::optional<double> gamma_scale_;
  std::optional<double> likelihood_scale_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kAld = {
    "ald", "Annealed Langevin dynamics with the likelihood's score (Jalal et al., 2021)",
    "tweedie ald --simulate-from photos/ --inpaint-box 8,8,16,16 --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<AldOptions>(); }};

}  // namespace tweedie::cli
