#include "client/cli/measurement_options.h"

#include "client/cli/image_files.h"
#include "client/cli/npy.h"
#include "client/cli/option_group.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

absl::Status CheckSource(const MeasurementOptions& options) {
  const int sources = (options.pictures.empty() ? 0 : 1) + (options.y ? 1 : 0) +
                      (options.simulate_from.empty() ? 0 : 1);
  if (sources == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      sources == 0 ? "what was measured is required: pictures, --measurement, or --simulate-from"
                   : "exactly one of pictures, --measurement and --simulate-from is allowed");
}

}  // namespace

void AddMeasurementOptions(CLI::App* command, MeasurementOptions* options) {
  OptionGroup group(command, "Measurement: exactly one of");
  group.Add("measured", &options->pictures, "IMAGES",
            "What was measured, as PNG or JPEG files or folders of them, where it is a picture");
  group.Add("--measurement", &options->y, "FILE.npy",
            "What was measured, of the shape that operator.proto says, one or several images:\n"
            "float32 or float64, or complex for --mri");
  group.Add("--simulate-from", &options->simulate_from, "IMAGES",
            "Clean images, to be measured by the server");
  OptionGroup more(command, "Images");
  more.Add("--reference", &options->reference, "IMAGES",
           "The true clean images, for PSNR and SSIM; those of --simulate-from by default");
  more.Add("--samples", &options->samples,
           "Results of each image, with their mean and deviation in the output; 1 by default");
  AddOperatorOptions(command, &options->forward_operator);
}

absl::StatusOr<v1::Measurement> MakeMeasurement(const MeasurementOptions& options) {
  RETURN_IF_ERROR(CheckSource(options));
  v1::Measurement measurement;
  ASSIGN_OR_RETURN(*measurement.mutable_forward_operator(), MakeOperator(options.forward_operator));
  const std::optional<v1::NoiseModel> noise = MakeNoise(options.forward_operator);
  if (noise) *measurement.mutable_noise() = *noise;
  if (options.y) {
    ASSIGN_OR_RETURN(const Array y, ReadNpyFile(*options.y));
    *measurement.mutable_y() = ToTensor(y);
  } else if (!options.pictures.empty()) {
    ASSIGN_OR_RETURN(const Array y, ReadPictures(options.pictures));
    *measurement.mutable_y() = ToTensor(y);
  } else {
    ASSIGN_OR_RETURN(*measurement.mutable_simulate_from(), ReadImages(options.simulate_from));
  }
  return measurement;
}

absl::Status AddReference(const MeasurementOptions& options, v1::Job* job) {
  if (options.samples) job->set_samples_per_image(*options.samples);
  if (options.reference.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*job->mutable_reference(), ReadImages(options.reference));
  return absl::OkStatus();
}

std::vector<std::string> TruthFiles(const MeasurementOptions& options) {
  return options.reference.empty() ? options.simulate_from : options.reference;
}

}  // namespace tweedie::cli
