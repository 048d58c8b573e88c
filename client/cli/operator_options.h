#ifndef TWEEDIE_CLIENT_CLI_OPERATOR_OPTIONS_H_
#define TWEEDIE_CLIENT_CLI_OPERATOR_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tweedie/v1/operator.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// A forward operator A and its noise, as typed. Exactly one operator must be
// given. The server checks their values.
struct OperatorOptions {
  bool identity = false;
  std::optional<std::string> inpaint_box;      // TOP,LEFT,HEIGHT,WIDTH
  std::optional<double> inpaint_random;        // fraction missing
  std::optional<std::string> inpaint_mask;     // picture or .npy
  std::optional<int32_t> sr;                   // factor
  std::optional<std::string> sr_kernel;        // bicubic, average
  std::optional<int32_t> subsample;            // stride
  std::optional<std::string> blur;             // gaussian:SIZE:SIGMA, ..., or a file
  std::optional<std::string> boundary;         // reflect, circular, zero
  std::optional<std::string> mri;              // 4x[:CENTER], or a file
  std::optional<std::string> ct;               // ANGLES[:DETECTORS]
  std::optional<std::string> phase_retrieval;  // [PADDING]
  bool grayscale = false;
  std::optional<std::string> operator_file;  // the proto as JSON

  std::optional<double> noise;    // sigma
  std::optional<double> poisson;  // rate
};

void AddOperatorOptions(CLI::App* command, OperatorOptions* options);

// Whether an operator was given.
bool HasOperator(const OperatorOptions& options);

// INVALID_ARGUMENT names the option that is wrong, or says that there must be
// exactly one operator. Files are read here.
absl::StatusOr<v1::Operator> MakeOperator(const OperatorOptions& options);

// nullopt if none was given.
std::optional<v1::NoiseModel> MakeNoise(const OperatorOptions& options);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_OPERATOR_OPTIONS_H_
