#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class PigdmOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--eta", &process_.eta, "Part of fresh noise, in [0, 1]; 1 by default");
    AddStepOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::PigdmTask& task = *job->mutable_pigdm();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kPigdm = {
    "pigdm", "Pseudoinverse-guided diffusion (Song et al., 2023)",
    "tweedie pigdm --simulate-from photos/ --sr 4 --noise 0.05 --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<PigdmOptions>(); }};

}  // namespace tweedie::cli
