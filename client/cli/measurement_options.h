#ifndef TWEEDIE_CLIENT_CLI_MEASUREMENT_OPTIONS_H_
#define TWEEDIE_CLIENT_CLI_MEASUREMENT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/operator_options.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

// What was measured, and how, as typed.
struct MeasurementOptions {
  OperatorOptions forward_operator;
  // Exactly one of these three must be given.
  std::vector<std::string> pictures;       // of y
  std::optional<std::string> y;            // a .npy file
  std::vector<std::string> simulate_from;  // clean images
  std::vector<std::string> reference;      // clean images
  std::optional<int32_t> samples;          // results of each
};

void AddMeasurementOptions(CLI::App* command, MeasurementOptions* options);

// INVALID_ARGUMENT names the options that are wrong. Files are read here.
absl::StatusOr<v1::Measurement> MakeMeasurement(const MeasurementOptions& options);

// Adds the reference and the number of results to `job`.
absl::Status AddReference(const MeasurementOptions& options, v1::Job* job);

// The files of the true images, if there are any.
std::vector<std::string> TruthFiles(const MeasurementOptions& options);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_MEASUREMENT_OPTIONS_H_
