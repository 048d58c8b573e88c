#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class DiffpirOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--lambda", &lambda_, "Weight of the prior, above 0; by default the server's");
    group.Add("--zeta", &zeta_, "Part of fresh noise, in [0, 1]; by default the server's");
    AddStepOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::DiffpirTask& task = *job->mutable_diffpir();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    if (lambda_) task.set_lambda(*lambda_);
    if (zeta_) task.set_zeta(*zeta_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  std::optional<double> lambda_;
  std::optional<double> zeta_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kDiffpir = {
    "diffpir", "Plug-and-play restoration, DiffPIR (Zhu et al., 2023)",
    "tweedie diffpir --simulate-from photos/ --blur motion:9 --noise 0.05 --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<DiffpirOptions>(); }};

}  // namespace tweedie::cli
