#ifndef TWEEDIE_CLIENT_CLI_IMAGE_FILES_H_
#define TWEEDIE_CLIENT_CLI_IMAGE_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/npy.h"
#include "imaging/image.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie::cli {

// The image files that `paths` name, in their order; a folder stands for its
// PNG and JPEG files, sorted by name. An error if a folder has none.
absl::StatusOr<std::vector<std::string>> FindImageFiles(const std::vector<std::string>& paths);

// Those files, as they are, each found to be a PNG or JPEG file.
absl::StatusOr<v1::Images> ReadImages(const std::vector<std::string>& paths);

// Those files decoded.
absl::StatusOr<std::vector<Image>> DecodeImages(const std::vector<std::string>& paths);

// Their pixels as [N, C, H, W] in [-1, 1]. All must be of one size and of the
// same channels.
absl::StatusOr<Array> ReadPictures(const std::vector<std::string>& paths);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_IMAGE_FILES_H_
