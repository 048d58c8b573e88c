#ifndef TWEEDIE_CLIENT_CLI_OPERATOR_TEXT_H_
#define TWEEDIE_CLIENT_CLI_OPERATOR_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "tweedie/v1/operator.pb.h"

namespace tweedie::cli {

// The values of operators' options (AddOperatorOptions() says how they are
// written). INVALID_ARGUMENT names the option and its value; a file that cannot
// be used is a LocalFileError(). Ranges are left to the server.

absl::StatusOr<v1::Operator::Inpainting::Box> ParseBox(const std::string& text);
absl::StatusOr<v1::Operator::Blur> ParseBlur(const std::string& text);
absl::StatusOr<v1::Operator::Mri> ParseMri(const std::string& text);
absl::StatusOr<v1::Operator::Tomography> ParseTomography(const std::string& text);
// "" is the default.
absl::StatusOr<v1::Operator::PhaseRetrieval> ParsePhaseRetrieval(const std::string& text);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_OPERATOR_TEXT_H_
