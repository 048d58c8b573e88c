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

// A model in memory. Immutable after loading but for the network's own
// buffers, which one engine thread owns.
struct LoadedModel {
  std::string name;  // NAME of `models/NAME`
  std::shared_ptr<const DiffusionModel> diffusion;
  // In eval mode, float32, on the CPU, requires_grad false. Never null.
  std::shared_ptr<nn::Network> network;
  int64_t num_parameters = 0;
  std::string dialect;         // "diffusers", or that of a ModelPlan
  std::string weights_sha256;  // lower-case hexadecimal
  // What neither weights nor configuration said: each a default that was taken,
  // and whose.
  std::vector<std::string> assumptions;
};

// Loads a folder of one of two kinds. A diffusers folder: `config.json`,
// `diffusion_pytorch_model.safetensors` and `scheduler_config.json`, flat or in
// `unet/` and `scheduler/`. Or one file of another dialect's weights (named by
// `model.json` if there are several) with `model.json` or with the project's own
// `*.yaml`; the first wins. Nothing is loaded half: an error names the file, and
// the key or the tensors with both shapes. NOT_FOUND if a file is missing.
// Thread-safe.
absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadModel(absl::string_view name,
                                                             const std::string& folder);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_MODEL_H_
