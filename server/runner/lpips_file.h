#ifndef TWEEDIE_SERVER_RUNNER_LPIPS_FILE_H_
#define TWEEDIE_SERVER_RUNNER_LPIPS_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/metrics/lpips.h"

namespace tweedie {

// Reads an LPIPS network: a safetensors file with the metadata `net`, as
// tools/lpips_weights.py writes it; or a folder with the two published files as
// they are, of any names that end in `.pth`: the heads of the package lpips
// (weights/v0.1) and torchvision's state dict of the same net, whose classifier
// is left out. The heads tell the net. Every error names the file or folder:
// NOT_FOUND if it is not there, INVALID_ARGUMENT if it is malformed or does not
// hold such a network.
absl::StatusOr<Lpips> ReadLpipsFile(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_LPIPS_FILE_H_
