#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class DdrmOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--eta", &eta_, "Part of fresh noise, in [0, 1]; 0.85 by default");
    group.Add("--eta-b", &eta_b_, "How near to the measurement, in [0, 1]; 1 by default");
    AddStepOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::DdrmTask& task = *job->mutable_ddrm();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    if (eta_) task.set_eta(*eta_);
    if (eta_b_) task.set_eta_b(*eta_b_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  std::optional<double> eta_;
  std::optional<double> eta_b_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kDdrm = {
    "ddrm", "Denoising diffusion restoration (Kawar et al., 2022)",
    "tweedie ddrm --simulate-from photos/ --blur gaussian:9:2 --boundary circular --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<DdrmOptions>(); }};

}  // namespace tweedie::cli
