#include <memory>
#include <optional>
#include <string>

#include "client/cli/image_files.h"
#include "client/cli/methods/methods.h"
#include "client/cli/operator_files.h"
#include "client/cli/option_group.h"
#include "client/cli/process_options.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

// Without an operator the pictures are guides to be edited.
class SdeditOptions final : public MethodOptions {
 public:
  void AddTo(CLI::App* command) override {
    OptionGroup group(command, "Method");
    group.Add("--strength", &strength_,
              "How far the guide is noised, in (0, 1]; 0.5 by default. Without an operator the\n"
              "pictures are guides to be edited");
    group.Add("--keep-mask", &keep_mask_, "FILE",
              "Without an operator: white is kept, black is edited; a picture or .npy");
    group.AddFlag("--keep-measured", &keep_measured_,
                  "With an inpainting operator: measured pixels are kept");
    group.Add("--repeats", &repeats_, "How often it is done again on its result; 1 by default");
    AddProcessOptions(command, &process_);
  }

  absl::Status SetTask(const MeasurementOptions& measurement, v1::Job* job) const override {
    v1::SdeditTask& task = *job->mutable_sdedit();
    RETURN_IF_ERROR(SetSource(measurement, &task));
    if (strength_) task.set_strength(*strength_);
    task.set_keep_measured(keep_measured_);
    if (keep_mask_) {
      ASSIGN_OR_RETURN(*task.mutable_keep_mask(), ReadMask(*keep_mask_));
    }
    if (repeats_) task.set_num_repeats(*repeats_);
    SetProcess(process_, &task);
    return absl::OkStatus();
  }

 private:
  static absl::Status SetSource(const MeasurementOptions& options, v1::SdeditTask* task) {
    const bool only_pictures = !options.y && options.simulate_from.empty();
    if (HasOperator(options.forward_operator) || !only_pictures) {
      ASSIGN_OR_RETURN(*task->mutable_measurement(), MakeMeasurement(options));
      return absl::OkStatus();
    }
    if (options.pictures.empty()) return absl::InvalidArgumentError("a guide is required");
    if (MakeNoise(options.forward_operator)) {
      return absl::InvalidArgumentError("--noise and --poisson need an operator");
    }
    ASSIGN_OR_RETURN(*task->mutable_guide(), ReadImages(options.pictures));
    return absl::OkStatus();
  }

  std::optional<double> strength_;
  std::optional<std::string> keep_mask_;
  bool keep_measured_ = false;
  std::optional<int32_t> repeats_;
  ProcessOptions process_;
};

}  // namespace

const MethodInfo kSdedit = {
    "sdedit", "Noise a guide or a measurement and denoise it again, SDEdit (Meng et al., 2022)",
    "tweedie sdedit sketch.png --strength 0.6 --out edited",
    []() -> std::unique_ptr<MethodOptions> { return std::make_unique<SdeditOptions>(); }};

}  // namespace tweedie::cli
