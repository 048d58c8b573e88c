#ifndef TWEEDIE_CORE_WEIGHTS_MODEL_H_
#define TWEEDIE_CORE_WEIGHTS_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/diffusion/diffusion_model.h"

namespace tweedie {

namespace nn {
class Network;
}

// What is known of a model, whether its weights are in memory or not. Immutable.
struct ModelDescription {
  std::string name;  // NAME of `models/NAME`
  std::shared_ptr<const DiffusionModel> diffusion;
  int64_t num_parameters = 0;
  std::string dialect;         // "diffusers", or that of a ModelPlan
  std::string weights_sha256;  // Checkpoint::sha256
  // How the weights were found: the container and, of wrappers, which was taken.
  std::string origin;
  // What neither weights nor configuration said: each a default that was taken,
  // and whose.
  std::vector<std::string> assumptions;
};

// A model in memory. Immutable after loading but for the network's own
// buffers, which one engine thread owns.
struct LoadedModel : ModelDescription {
  // In eval mode, float32, on the CPU, requires_grad false. Never null.
  std::shared_ptr<nn::Network> network;
};

// Loads a diffusers folder (diffusers_folder.h), or a folder or file of another
// dialect's weights (model_files.h). The weights are read by
// ReadCheckpoint(), whatever container they are in. Nothing is loaded half: an
// error names the file, and the key or the tensors with both shapes. NOT_FOUND if
// a file is missing. Thread-safe.
absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadModel(absl::string_view name,
                                                             const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_MODEL_H_
