#include <memory>
#include <optional>
#include <string>

#include "client/cli/methods/methods.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

class DdnmOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--eta", &eta_, "Part of fresh noise, in [0, 1]; 0.85 by default");
    group.Add("--travel-length", &travel_length_,
              "Time travel: steps of a stretch; none by default");
    group.Add("--travel-repeats", &travel_repeats_, "How often each stretch is made; 1 by default");
    AddStepOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::DdnmTask& task = *job->mutable_ddnm();
    ASSIGN_OR_RETURN(*task.mutable_measurement(), MakeMeasurement(measurement));
    if (eta_) task.set_eta(*eta_);
    if (travel_length_) task.set_travel_length(*travel_length_);
    if (travel_repeats_) task.set_travel_repeats(*travel_repeats_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  std::optional<double> eta_;
  std::optional<int32_t> travel_length_;
  std::optional<int32_t> travel_repeats_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kDdnm = {
    "ddnm", "Denoising diffusion null-space model (Wang et al., 2023)",
    "tweedie ddnm --simulate-from photos/ --sr 4 --sr-kernel average --out restored",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<DdnmOptions>(); }};

}  // namespace tweedie::cli
