#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class DpsOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--zeta", &zeta_,
              "Step along the gradient; by default the server's for the operator");
    group.AddChoice("--objective", &objective_, {"norm", "squared-norm"},
                    "What the gradient is of: ||A(x0_hat) - y|| (the default) or its square");
    AddProcessOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::DpsTask& task = *job->mutable_dps();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    if (zeta_) task.set_zeta(*zeta_);
    if (objective_)
      task.set_objective(*objective_ == "norm" ? v1::DpsTask::NORM : v1::DpsTask::SQUARED_NORM);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  std::optional<double> zeta_;
  std::optional<std::string> objective_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kDps = {
    "dps", "Diffusion posterior sampling (Chung et al., 2023)",
    "tweedie dps --simulate-from photos/ --blur gaussian:9:2 --noise 0.05 --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<DpsOptions>(); }};

}  // namespace tweedie::cli
