#ifndef TWEEDIE_SERVER_RUNNER_LPIPS_FILE_H_
#define TWEEDIE_SERVER_RUNNER_LPIPS_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/metrics/lpips.h"

namespace tweedie {

// Reads the LPIPS network that tools/lpips_weights.py writes: a safetensors file
// with the metadata `net`. Every error names the file: NOT_FOUND if it is not
// there, INVALID_ARGUMENT if it is malformed or does not hold such a network.
absl::StatusOr<Lpips> ReadLpipsFile(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_LPIPS_FILE_H_
