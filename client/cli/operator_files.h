#ifndef TWEEDIE_CLIENT_CLI_OPERATOR_FILES_H_
#define TWEEDIE_CLIENT_CLI_OPERATOR_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie::cli {

// A mask: a black and white picture as [1, H, W], or [3, H, W] if its channels
// differ; or a .npy file of 0 and 1, of its own shape. Black and 0 are 0.
absl::StatusOr<v1::Tensor> ReadMask(const std::string& path);

// A kernel's weights: a .npy file, or rows of numbers in a .json file.
absl::StatusOr<v1::Tensor> ReadKernel(const std::string& path);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_OPERATOR_FILES_H_
